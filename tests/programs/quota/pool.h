/* Stream-ordered memory: the pool holds it, not the pointer. */
#ifndef QUOTA_POOL_H
#define QUOTA_POOL_H
#include "fill.h"

enum { CHUNK = 32 << 20, THRESHOLD = 4, RESERVED = 5 };
static size_t bytes = 8 << 20;
static handle pool, stream, own_stream;
static int per_thread;
static dptr held[MOST];

static int take(int piece)
{
    held[piece] = 0;
    return per_thread ? ASK(cuMemAllocAsync_ptsz, &held[piece], bytes, stream)
                      : ASK(cuMemAllocAsync, &held[piece], bytes, stream);
}

static int take_from(int piece)
{
    held[piece] = 0;
    return per_thread ? ASK(cuMemAllocFromPoolAsync_ptsz, &held[piece], bytes, pool, stream)
                      : ASK(cuMemAllocFromPoolAsync, &held[piece], bytes, pool, stream);
}

/* Freed memory is the pool's, and charged, until the pool lets go. */
static int give(int piece)
{
    size_t with = used();
    int code = per_thread ? ASK(cuMemFreeAsync_ptsz, held[piece], stream) : ASK(cuMemFreeAsync, held[piece], stream);
    expect_used(with, "freed to the pool");
    return code;
}

static inline int give_now(int piece)
{
    return ASK(cuMemFree_v2, held[piece]);
}

static void synchronize(void) { OK(cuStreamSynchronize, stream); }

static void begin(void)
{
    in_primary();
    OK(cuStreamCreate, &own_stream, 1);
    stream = own_stream;
    OK(cuDeviceGetDefaultMemPool, &pool, 0);
}

static void make_pool(uint32_t where, size_t most)
{
    pool_kind kind = {.kind = PINNED, .where = {where, 0}, .most = most};
    begin();
    OK(cuMemPoolCreate, &pool, &kind);
}

static void run_with(int (*take)(int), int (*give)(int), void (*settle)(void))
{
    fill_and_refill(&(struct way){bytes, take, give, settle});
}

#endif
