/* pool ROW [fault|keep]: stream-ordered memory, allocated and freed in every way. */
#include "pool.h"

static void synchronize_all(void) { OK(cuCtxSynchronize); }

static void by_event(void)
{
    handle event = 0;
    OK(cuEventCreate, &event, 0);
    OK(cuEventRecord, event, stream);
    OK(cuEventSynchronize, event);
    OK(cuEventDestroy_v2, event);
}

static void plain(void) { begin(), run_with(take, give, synchronize); }
static void default_stream(void) { begin(), stream = 0, run_with(take, give, synchronize_all); }
static void ptsz(void) { begin(), per_thread = 1, run_with(take, give, synchronize); }
static void event(void) { begin(), run_with(take, give, by_event); }
static void freed_now(void) { begin(), run_with(take, give_now, synchronize); }
static void explicit_pool(void) { make_pool(ON_DEVICE, 0), run_with(take_from, give, synchronize); }
static void explicit_ptsz(void) { make_pool(ON_DEVICE, 0), per_thread = 1, run_with(take_from, give, synchronize); }

/* The pool's own limit is the driver's to keep. */
static int take_most(int piece)
{
    drivers_own = 1;
    int code = take_from(piece);
    drivers_own = 0;
    return code;
}

static void largest(void) { make_pool(ON_DEVICE, CHUNK), run_with(take_most, give, synchronize); }

static void chosen(void)
{
    location here = {ON_DEVICE, 0};
    handle now = 0;
    make_pool(ON_DEVICE, 0);
    OK(cuDeviceSetMemPool, 0, pool);
    OK(cuMemSetMemPool, &here, PINNED, pool);
    OK(cuDeviceGetMemPool, &now, 0);
    run_with(take, give, synchronize);
    OK(cuMemPoolDestroy, pool);
}

/* The step by which the pool grows, whatever the piece leaves of it. */
static int take_ragged(int piece)
{
    bytes = 24 * MIB;
    return take(piece);
}

static void ragged(void)
{
    begin();
    fill_and_refill(&(struct way){CHUNK, take_ragged, give, synchronize});
}

static int take_plain(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], bytes);
}

/* Both kinds of memory, each freed the other's way. */
static int take_mixed(int piece) { return piece % 8 < 4 ? take(piece) : take_plain(piece); }
static int give_mixed(int piece) { return piece % 8 < 4 ? give_now(piece) : ASK(cuMemFreeAsync, held[piece], stream); }
static void mixed(void) { begin(), run_with(take_mixed, give_mixed, synchronize); }

/* The host's pools are free, even when the quota is full. */
static void host(void)
{
    location here = {ON_HOST, 0};
    handle of_host = 0;
    begin();
    dptr all = 0;
    OK(cuMemAlloc_v2, &all, total());
    size_t full = used();
    make_pool(ON_HOST, 0);
    OK(take_from, 0);
    OK(give_now, 0);
    OK(cuMemGetDefaultMemPool, &of_host, &here, PINNED);
    OK(cuMemGetMemPool, &pool, &here, PINNED);
    OK(take_from, 0);
    expect_used(full, "with host memory");
    OK(give_now, 0);
    expect_used(full, "without it again");
    OK(cuMemFree_v2, all);
    begin();
    run_with(take, give, synchronize);
}

ROWS({"pool", plain}, {"pool-default-stream", default_stream}, {"pool-ptsz", ptsz}, {"pool-by-event", event},
     {"pool-freed-now", freed_now}, {"pool-explicit", explicit_pool}, {"pool-explicit-ptsz", explicit_ptsz},
     {"pool-largest", largest}, {"pool-chosen", chosen}, {"pool-ragged", ragged}, {"pool-mixed", mixed}, {"pool-host", host})
