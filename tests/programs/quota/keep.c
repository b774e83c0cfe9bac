/* keep ROW [fault|keep]: what pools keep after it was freed, and what makes them let go. */
#include "driven.h"
#include "pool.h"
#include <pthread.h>

static void trim(void)
{
    OK(cuStreamSynchronize, stream);
    OK(cuMemPoolTrimTo, pool, 0);
}

static void keeps(uint64_t threshold) { OK(cuMemPoolSetAttribute, pool, THRESHOLD, &threshold); }

/* A threshold keeps the memory through a synchronisation, and a trim ends it. */
static void kept_then_trimmed(void)
{
    size_t with = used();
    synchronize();
    expect_used(with, "kept by the threshold");
    OK(cuMemPoolTrimTo, pool, CHUNK);
    expect_used(CHUNK, "trimmed to one step");
    trim();
}

static void threshold(void) { begin(), keeps(UINT64_MAX), run_with(take, give, kept_then_trimmed); }

static void half_threshold(void)
{
    begin(), keeps(CHUNK);
    for (int piece = 0; piece < 8; piece++)
        OK(take, piece);
    for (int piece = 0; piece < 8; piece++)
        OK(give, piece);
    synchronize();
    expect_used(CHUNK, "more than the threshold went back");
    trim();
    run_with(take, give, trim);
}

extern int cuLaunchHostFunc(handle, void (*)(void *), void *);
static int gate;

static void wait_for_gate(void *nothing)
{
    while (!__atomic_load_n(&gate, __ATOMIC_ACQUIRE))
        ;
}

/* The pool is destroyed first: what is allocated keeps its memory. */
static void destroyed_first(void)
{
    make_pool(ON_DEVICE, 0);
    OK(take_from, 0);
    OK(take_from, 1);
    OK(cuMemPoolDestroy, pool);
    expect_used(CHUNK, "the pool is destroyed, its memory in use");
    OK(cuMemFreeAsync, held[0], stream);
    OK(cuMemFreeAsync, held[1], stream);
    synchronize();
    expect_used(0, "its last allocation freed");
    make_pool(ON_DEVICE, 0);
    OK(take_from, 0);
    OK(give, 0);
    OK(cuMemPoolDestroy, pool);
    synchronize();
    expect_used(0, "an idle pool was destroyed");
    /* Freed in a stream that has not got there: it is held until it does. */
    make_pool(ON_DEVICE, 0);
    OK(take_from, 0);
    OK(cuLaunchHostFunc, stream, wait_for_gate, NULL);
    OK(give, 0);
    OK(cuMemPoolDestroy, pool);
    expect_used(CHUNK, "the pool is destroyed, its memory not free yet");
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    synchronize();
    expect_used(0, "the stream has got there");
    begin();
    run_with(take, give, synchronize);
}

static int take_plain(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], bytes);
}

/* Before anything is refused the client's idle pools are trimmed: all the memory is theirs to give. */
static void trimmed_for_others(void)
{
    begin(), keeps(UINT64_MAX);
    for (int piece = 0; piece < 8; piece++)
        OK(take, piece);
    for (int piece = 0; piece < 8; piece++)
        OK(give, piece);
    synchronize();
    expect_used(2 * CHUNK, "idle and kept");
    fill_and_refill(&(struct way){bytes, take_plain, give_now, .idle = 1});
}

/* Memory of one pool, idle, for another. */
static void trimmed_for_pool(void)
{
    begin(), keeps(UINT64_MAX);
    for (int piece = 0; piece < 8; piece++)
        OK(take, piece);
    for (int piece = 0; piece < 8; piece++)
        OK(give, piece);
    make_pool(ON_DEVICE, 0);
    fill_and_refill(&(struct way){bytes, take_from, give, synchronize, .idle = 1});
}

/* Not while something is captured: trimming may not come between its calls. */
static void in_capture(void)
{
    handle captured = 0, graph = 0;
    dptr more = 0;
    begin(), keeps(UINT64_MAX);
    for (int piece = 0; piece < 8; piece++)
        OK(take, piece);
    for (int piece = 0; piece < 8; piece++)
        OK(give, piece);
    synchronize();
    OK(cuStreamCreate, &captured, 1);
    OK(cuStreamBeginCapture_v2, captured, 2);
    if (ASK(cuMemAlloc_v2, &more, MIB) != OUT_OF_MEMORY)
        FAIL("trimmed in a capture");
    expect_used(2 * CHUNK, "refused in a capture");
    OK(cuStreamEndCapture, captured, &graph);
    OK(cuGraphDestroy, graph);
    fill_and_refill(&(struct way){bytes, take_plain, give_now, .idle = 1});
}

static void *within(void *nothing)
{
    in_primary();
    OK(take, 1);
    return nothing;
}

/* A call finds room in the pool, and the driver is slow to look (the row's environment): meanwhile the
 * pool is trimmed. It grows again for that call, so what was trimmed is nobody else's. */
static void trimmed_under_a_call(void)
{
    pthread_t slow;
    dptr rest = 0, more = 0;
    begin(), keeps(UINT64_MAX);
    OK(take, 0);
    OK(give, 0);
    synchronize();
    OK(cuMemAlloc_v2, &rest, total() - used());
    uint64_t before = driven("cuMemAllocAsync");
    if (pthread_create(&slow, NULL, within, NULL))
        FAIL("no thread");
    while (driven("cuMemAllocAsync") == before)
        ;
    OK(cuMemPoolTrimTo, pool, 0);
    if (ASK(cuMemAlloc_v2, &more, CHUNK) != OUT_OF_MEMORY)
        FAIL("what a call counts on was given to another");
    pthread_join(slow, NULL);
    OK(give, 1);
    OK(cuMemFree_v2, rest);
    trim();
    expect_used(0, "emptied");
    run_with(take, give, trim);
}

ROWS({"pool-threshold", threshold}, {"pool-half-threshold", half_threshold}, {"pool-destroyed-first", destroyed_first},
     {"pool-trimmed-for-others", trimmed_for_others}, {"pool-trimmed-for-pool", trimmed_for_pool},
     {"pool-not-in-capture", in_capture}, {"pool-trimmed-under-a-call", trimmed_under_a_call})
