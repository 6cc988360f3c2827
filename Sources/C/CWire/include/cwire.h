#ifndef CWIRE_H
#define CWIRE_H
#endif
