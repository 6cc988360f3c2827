// The messages of proto/tidegate.proto as protobuf-c structures. Only the Wire module imports this.
#ifndef CWIRE_H
#define CWIRE_H
#include "tidegate.pb-c.h"
#endif
