#include "cmysqlshim.h"
