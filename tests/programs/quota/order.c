/* order ROW: what waits for a stream is asked of that stream only, and not for longer than its context lives. */
#include "fill.h"
#include <sched.h>

extern int cuLaunchHostFunc(handle, void (*)(void *), void *), cuLaunchHostFunc_ptsz(handle, void (*)(void *), void *);
extern int cuEventRecord_ptsz(handle, handle), cuStreamDestroy_v2(handle), cuStreamBeginCapture_v2_ptsz(handle, unsigned);
extern int cuStreamSynchronize_ptsz(handle);

static dptr held[MOST];
static volatile int may_go;

static void blocks(void *unused)
{
    (void)unused;
    while (!may_go)
        sched_yield();
}

static int take(int piece) { return ASK(cuMemAlloc_v2, &held[piece], 4 * MIB); }
static int give(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static void all_of_it(void) { fill_and_refill(&(struct way){4 * MIB, take, give}); }

/* A default stream is another in every context: that this one's is idle says nothing of the other's. */
static void elsewhere(void)
{
    handle other = 0, here = 0;
    dptr slow = 0, more = 0;
    in_primary();
    OK(cuMemAlloc_v2, &slow, 32 * MIB);
    OK(cuLaunchHostFunc, 0, blocks, NULL);
    OK(cuMemFreeAsync, slow, 0);
    expect_used(32 * MIB, "not freed yet");
    OK(cuCtxCreate_v2, &other, 0, 0);
    OK(cuMemAlloc_v2, &more, 4 * MIB);
    OK(cuMemFree_v2, more);
    expect_used(32 * MIB, "asked elsewhere");
    OK(cuCtxSetCurrent, other);
    OK(cuCtxDestroy_v2, other);
    OK(cuDevicePrimaryCtxRetain, &here, 0);
    OK(cuCtxSetCurrent, here);
    may_go = 1;
    OK(cuCtxSynchronize);
    expect_used(0, "waited for");
    all_of_it();
}

/* A capture ends with its context: afterwards idle pools make room again. */
static void capture_gone(void)
{
    handle other = 0, stream = 0, idle = 0;
    dptr pooled = 0;
    OK(cuCtxCreate_v2, &other, 0, 0);
    OK(cuStreamCreate, &stream, 1);
    OK(cuStreamBeginCapture_v2, stream, 2);
    OK(cuCtxDestroy_v2, other);
    in_primary();
    OK(cuStreamCreate, &idle, 1);
    OK(cuMemAllocAsync, &pooled, 32 * MIB, idle);
    OK(cuMemFreeAsync, pooled, idle);
    expect_used(32 * MIB, "idle");
    OK(cuMemAlloc_v2, &pooled, 64 * MIB);
    expect_used(64 * MIB, "made room");
    OK(cuMemFree_v2, pooled);
    all_of_it();
}

/* Freed in another context's stream: neither to wait for one's own context nor its end says anything of that. */
static void of_stream(void)
{
    handle other = 0, own = 0, theirs = 0;
    dptr first = 0, second = 0;
    OK(cuCtxCreate_v2, &own, 0, 0);
    OK(cuCtxCreate_v2, &other, 0, 0);
    OK(cuStreamCreate, &theirs, 1);
    OK(cuCtxSetCurrent, own);
    OK(cuMemAlloc_v2, &first, 32 * MIB);
    OK(cuMemAlloc_v2, &second, 16 * MIB);
    OK(cuLaunchHostFunc, theirs, blocks, NULL);
    OK(cuMemFreeAsync, first, theirs);
    OK(cuCtxSynchronize);
    expect_used(48 * MIB, "waited for its own context");
    OK(cuMemFreeAsync, second, theirs);
    OK(cuCtxDestroy_v2, own);
    OK(cuCtxSetCurrent, other);
    expect_used(48 * MIB, "its own context destroyed");
    may_go = 1;
    OK(cuStreamSynchronize, theirs);
    expect_used(0, "the stream has got there");
    all_of_it();
}

static dptr slow;
static handle done;

/* The event is behind what was freed, and what is seen of that may be seen a moment later. */
static void wait_for_event(void)
{
    may_go = 1;
    OK(cuEventSynchronize, done);
    for (int look = 0; look < 10000 && used() > 0; look++)
        OK(cuEventSynchronize, done);
    expect_used(0, "the stream has got there");
    OK(cuEventDestroy_v2, done);
    all_of_it();
}

static void *frees_and_ends(void *nothing)
{
    in_primary();
    OK(cuLaunchHostFunc_ptsz, 0, blocks, NULL);
    OK(cuMemFreeAsync_ptsz, slow, 0);
    OK(cuEventRecord_ptsz, done, 0);
    return nothing;
}

static void in_a_thread(void *(*what)(void *))
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, NULL) || pthread_join(thread, NULL))
        FAIL("no thread");
}

static void *frees_too(void *nothing)
{
    dptr more = 0;
    in_primary();
    OK(cuMemAlloc_v2, &more, 4 * MIB);
    OK(cuMemFreeAsync_ptsz, more, 0);
    return nothing;
}

/* Freed in the default stream of a thread that has ended: of the next, which has its place, nothing follows. */
static void thread_gone(void)
{
    in_primary();
    OK(cuEventCreate, &done, 0);
    OK(cuMemAlloc_v2, &slow, 32 * MIB);
    in_a_thread(frees_and_ends);
    in_a_thread(frees_too);
    if (used() < 32 * MIB)
        FAIL("another thread's stream was taken for it");
    wait_for_event();
}

/* Freed in a stream that is destroyed with work in it. */
static void stream_gone(void)
{
    handle stream = 0;
    in_primary();
    OK(cuEventCreate, &done, 0);
    OK(cuStreamCreate, &stream, 1);
    OK(cuMemAlloc_v2, &slow, 32 * MIB);
    OK(cuLaunchHostFunc, stream, blocks, NULL);
    OK(cuMemFreeAsync, slow, stream);
    OK(cuEventRecord, done, stream);
    OK(cuStreamDestroy_v2, stream);
    expect_used(32 * MIB, "not freed yet");
    wait_for_event();
}

/* While another stream captures none is asked; one that was waited for need not be. */
static void in_capture(void)
{
    handle captured = 0, stream = 0, graph = 0;
    in_primary();
    OK(cuStreamCreate, &stream, 1);
    OK(cuStreamCreate, &captured, 1);
    OK(cuMemAlloc_v2, &slow, 32 * MIB);
    OK(cuStreamBeginCapture_v2, captured, 2);
    OK(cuMemFreeAsync, slow, stream);
    expect_used(32 * MIB, "not known to be freed");
    OK(cuStreamSynchronize, stream);
    expect_used(0, "waited for");
    all_of_it();
    OK(cuStreamEndCapture, captured, &graph);
}

static void *captures_and_ends(void *nothing)
{
    in_primary();
    OK(cuStreamBeginCapture_v2_ptsz, 0, 2);
    return nothing;
}

/* A capture in a thread's own stream, which nobody else can end. */
static void thread_captured(void)
{
    handle idle = 0;
    dptr pooled = 0;
    in_primary();
    in_a_thread(captures_and_ends);
    OK(cuStreamCreate, &idle, 1);
    OK(cuMemAllocAsync, &pooled, 32 * MIB, idle);
    OK(cuMemFreeAsync, pooled, idle);
    OK(cuMemAlloc_v2, &pooled, 64 * MIB);
    expect_used(64 * MIB, "made room");
    OK(cuMemFree_v2, pooled);
    all_of_it();
}

static void *frees_many(void *nothing)
{
    enum { MANY = 900 };
    static dptr many[MANY];
    in_primary();
    for (int at = 0; at < MANY; at++)
        OK(cuMemAlloc_v2, &many[at], 1000);
    OK(cuLaunchHostFunc_ptsz, 0, blocks, NULL);
    for (int at = 0; at < MANY; at++)
        OK(cuMemFreeAsync_ptsz, many[at], 0);
    may_go = 1;
    OK(cuStreamSynchronize_ptsz, 0);
    expect_used(0, "the stream has got there");
    return nothing;
}

/* Freed in a thread's own stream, which goes on only afterwards: the stream's queue is the program's, and there
 * is hardly more room in it. */
static void many(void)
{
    in_primary();
    in_a_thread(frees_many);
    all_of_it();
}

ROWS({"order-elsewhere", elsewhere}, {"order-capture-gone", capture_gone}, {"order-of-stream", of_stream},
     {"order-thread-gone", thread_gone}, {"order-many", many}, {"order-stream-gone", stream_gone}, {"order-in-capture", in_capture},
     {"order-thread-captured", thread_captured})
