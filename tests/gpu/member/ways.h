/* The ways to hold device memory. A piece is taken by one call that may be refused. */
#ifndef MEMBER_WAYS_H
#define MEMBER_WAYS_H
#include "driver.h"

struct piece {
    size_t bytes;
    dptr at;
    uint64_t memory;    /* physical, without a place */
    handle array;
    handle graph, exec;
};

struct way {
    const char *name;
    int (*take)(struct piece *); /* the driver's answer */
    void (*give)(struct piece *);
    void (*settle)(void); /* once all are given: the driver lets go of what it keeps; may be NULL */
};

/* NULL if there is no way of that name. */
const struct way *way_called(const char *name);
extern int device;
extern handle stream;
#endif
