#ifndef CSQUALL_H
#define CSQUALL_H
#endif
