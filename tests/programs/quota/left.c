/* left ROW: pools that are destroyed, and the streams in whose order their memory was freed. */
#include "driven.h"
#include "pool.h"
#include <sched.h>

extern int cuLaunchHostFunc_ptsz(handle, void (*)(void *), void *);
extern int cuStreamDestroy_v2(handle), cuStreamSynchronize_ptsz(handle);
static int gate, freed, waited;

static void wait_for(int *word)
{
    while (!__atomic_load_n(word, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void open_gate(int *word) { __atomic_store_n(word, 1, __ATOMIC_RELEASE); }
static void blocks(void *nothing) { wait_for(&gate); }

/* Frees in its own default stream, which has something to do first. */
static void *frees(void *nothing)
{
    in_primary();
    OK(cuLaunchHostFunc_ptsz, 0, blocks, NULL);
    OK(cuMemFreeAsync_ptsz, held[0], 0);
    open_gate(&freed);
    wait_for(&waited);
    OK(cuStreamSynchronize_ptsz, 0);
    return nothing;
}

/* That this thread's own default stream is idle says nothing of the other's. */
static void destroyed_elsewhere(void)
{
    pthread_t other;
    dptr more = 0;
    bytes = 2 * CHUNK;
    make_pool(ON_DEVICE, 0);
    OK(take_from, 0);
    synchronize();
    if (pthread_create(&other, NULL, frees, NULL))
        FAIL("no thread");
    wait_for(&freed);
    OK(cuMemPoolDestroy, pool);
    expect_used(2 * CHUNK, "the pool is destroyed, its memory not free yet");
    if (ASK(cuMemAlloc_v2, &more, CHUNK) != OUT_OF_MEMORY)
        FAIL("what is held was given to another");
    open_gate(&gate);
    open_gate(&waited);
    pthread_join(other, NULL);
    OK(cuCtxSynchronize);
    expect_used(0, "the stream has got there");
    bytes = 8 << 20;
    begin();
    run_with(take, give, synchronize);
}

/* The stream's handle may be another's by then, or nobody's. */
static void destroyed_later(void)
{
    make_pool(ON_DEVICE, 0);
    uint64_t threshold = UINT64_MAX;
    OK(cuMemPoolSetAttribute, pool, THRESHOLD, &threshold);
    OK(take_from, 0);
    OK(give, 0);
    synchronize();
    OK(cuStreamDestroy_v2, stream);
    uint64_t before = driven("cuStreamQuery");
    OK(cuMemPoolDestroy, pool);
    if (driven("cuStreamQuery") != before)
        FAIL("a stream was asked that was destroyed");
    expect_used(0, "an idle pool was destroyed");
    begin();
    run_with(take, give, synchronize);
}

/* Both are destroyed while the stream has work: the memory is there until that is done. */
static void destroyed_with_stream(void)
{
    handle last = 0;
    make_pool(ON_DEVICE, 0);
    OK(take_from, 0);
    OK(cuLaunchHostFunc_ptsz, stream, blocks, NULL);
    OK(give, 0);
    OK(cuEventCreate, &last, 0);
    OK(cuEventRecord, last, stream);
    OK(cuStreamDestroy_v2, stream);
    OK(cuMemPoolDestroy, pool);
    expect_used(CHUNK, "the pool and the stream are destroyed, the memory is not free yet");
    open_gate(&gate);
    OK(cuEventSynchronize, last);
    for (int look = 0; look < 10000 && used() > 0; look++)
        OK(cuEventSynchronize, last);
    expect_used(0, "the stream has got there");
    begin();
    run_with(take, give, synchronize);
}

static size_t reserved(void)
{
    uint64_t has = 0;
    OK(cuMemPoolGetAttribute, pool, RESERVED, &has);
    return has;
}

/* Room in pieces makes the driver take more for a request that is then refused. It goes back when the stream gets
 * there, though the pool would keep it. */
static void undone(void)
{
    uint64_t threshold = UINT64_MAX;
    dptr rest = 0, more = 0;
    handle idle = 0;
    begin();
    OK(cuMemPoolSetAttribute, pool, THRESHOLD, &threshold);
    for (int piece = 0; piece < 8; piece++)
        OK(take, piece);
    for (int piece = 0; piece < 8; piece += 2)
        OK(give, piece);
    synchronize();
    OK(cuMemAlloc_v2, &rest, total() - used());
    OK(cuLaunchHostFunc_ptsz, stream, blocks, NULL);
    if (cuMemAllocAsync(&more, 2 * bytes, stream) != OUT_OF_MEMORY || more)
        FAIL("there is no room in one piece");
    if (reserved() <= 2 * CHUNK)
        FAIL("the driver has not taken more");
    /* Who used that room would keep it from going back. */
    OK(cuStreamCreate, &idle, 1);
    if (cuMemAllocAsync(&more, MIB, idle) != OUT_OF_MEMORY || more)
        FAIL("more is held than the quota, and room in it was had");
    open_gate(&gate);
    synchronize();
    if (reserved() != 2 * CHUNK)
        FAIL("%zu bytes are reserved for what was refused", reserved() - 2 * CHUNK);
}

/* Everything is free, in pieces smaller than what is asked for: they go back, and it is had at once. */
static void in_pieces(void)
{
    uint64_t threshold = UINT64_MAX;
    dptr one = 0;
    bytes = 20 * MIB;
    begin();
    OK(cuMemPoolSetAttribute, pool, THRESHOLD, &threshold);
    OK(take, 0);
    OK(take, 1);
    OK(give, 0);
    OK(give, 1);
    synchronize();
    OK(cuMemAllocAsync, &one, 2 * bytes, stream);
    expect_used(2 * CHUNK, "what was free in pieces went back");
    OK(cuMemFreeAsync, one, stream);
    synchronize();
    OK(cuMemPoolTrimTo, pool, 0);
    threshold = 0;
    OK(cuMemPoolSetAttribute, pool, THRESHOLD, &threshold);
    bytes = 8 * MIB;
    run_with(take, give, synchronize);
}

ROWS({"pool-destroyed-elsewhere", destroyed_elsewhere}, {"pool-destroyed-later", destroyed_later},
     {"pool-destroyed-with-stream", destroyed_with_stream}, {"pool-undone", undone, 1},
     {"pool-in-pieces", in_pieces})
