/* Physical memory with handles: it lives until every handle and every mapping is gone. */
#ifndef QUOTA_VMM_H
#define QUOTA_VMM_H
#include "fill.h"

enum { SIZE = 6 << 20 };
static handle held[MOST];
static dptr at[MOST];
static uint32_t where = ON_DEVICE, handles;

static int make(int piece, size_t bytes)
{
    allocation kind = {.kind = PINNED, .handles = handles, .where = {where, 0}};
    held[piece] = 0;
    return ASK(cuMemCreate, &held[piece], bytes, &kind, 0);
}

static int take(int piece)
{
    return make(piece, SIZE);
}

static inline int give(int piece)
{
    return ASK(cuMemRelease, held[piece]);
}

static void place(dptr *address, handle memory)
{
    struct { location where; uint32_t rights; } access = {{ON_DEVICE, 0}, 3};
    OK(cuMemAddressReserve, address, SIZE, 0, 0, 0);
    OK(cuMemMap, *address, SIZE, 0, memory, 0);
    if (where == ON_DEVICE)
        OK(cuMemSetAccess, *address, SIZE, &access, 1);
}

static void displace(dptr address)
{
    OK(cuMemUnmap, address, SIZE);
    OK(cuMemAddressFree, address, SIZE);
}

static inline int take_mapped(int piece)
{
    int code = take(piece);
    if (!code)
        place(&at[piece], held[piece]);
    return code;
}

static void run_with(int (*take)(int), int (*give)(int))
{
    in_primary();
    fill_and_refill(&(struct way){SIZE, take, give});
}
#endif
