#ifndef CMYSQLSHIM_H
#define CMYSQLSHIM_H
#endif
