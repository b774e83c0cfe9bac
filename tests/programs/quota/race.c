/* race ROW: four threads take until each is refused; what is left is for one of them, and nothing is over. */
#include "fill.h"
#include <pthread.h>

enum { THREADS = 4, EACH = MOST / (THREADS + 1), ROUNDS = 400 };
static handle held[MOST], streams[THREADS + 1];
static pthread_barrier_t ready;
static __thread int self = THREADS;

static int take_linear(int piece)
{
    dptr at = 0;
    int code = ASK(cuMemAlloc_v2, &at, 3 * MIB);
    held[piece] = at;
    return code;
}

static int give_linear(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static int take_vmm(int piece)
{
    allocation kind = {.kind = PINNED, .where = {ON_DEVICE, 0}};
    return ASK(cuMemCreate, &held[piece], 4 * MIB, &kind, 0);
}

static int give_vmm(int piece) { return ASK(cuMemRelease, held[piece]); }

static int take_pooled(int piece)
{
    dptr at = 0;
    int code = ASK(cuMemAllocAsync, &at, 8 * MIB, streams[self]);
    held[piece] = at;
    return code;
}

static int give_pooled(int piece) { return ASK(cuMemFreeAsync, held[piece], streams[self]); }
static int give_pooled_now(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static void trim(void)
{
    handle pool = 0;
    OK(cuDeviceGetMemPool, &pool, 0);
    OK(cuMemPoolTrimTo, pool, 0);
}

static void synchronize(void) { OK(cuCtxSynchronize); }

static const struct way *way;
static void (*shrink)(void);
static int (*give)(int piece);

/* How many pieces this thread got. */
static void *racing(void *thread)
{
    long pieces = 0;
    self = (long)thread;
    in_primary();
    pthread_barrier_wait(&ready);
    while (pieces < EACH && !way->take(self * EACH + pieces))
        pieces++;
    /* What others count on to be in the pool goes, and comes back. */
    for (int round = 0; shrink && round < ROUNDS; round++) {
        while (pieces > 0)
            OK(give, self * EACH + --pieces);
        shrink();
        while (pieces < EACH && !way->take(self * EACH + pieces))
            pieces++;
    }
    return (void *)pieces;
}

static void race(const struct way *with)
{
    pthread_t all[THREADS];
    long pieces[THREADS + 1] = {0}, sum = 0;
    way = with;
    in_primary();
    for (int at = 0; at <= THREADS; at++)
        OK(cuStreamCreate, &streams[at], 1);
    pthread_barrier_init(&ready, NULL, THREADS);
    for (long at = 0; at < THREADS; at++)
        if (pthread_create(&all[at], NULL, racing, (void *)at))
            FAIL("no threads");
    for (int at = 0; at < THREADS; at++)
        pthread_join(all[at], (void **)&pieces[at]);
    while (!(refusal = way->take(THREADS * EACH + pieces[THREADS])))
        pieces[THREADS]++;
    for (int at = 0; at <= THREADS; at++)
        sum += pieces[at];
    expect_used(sum * way->charge, "raced");
    brim();
    for (int at = 0; at <= THREADS; at++)
        while (pieces[at] > 0)
            OK(way->give, at * EACH + --pieces[at]);
    if (way->settle)
        way->settle();
    expect_used(0, "emptied");
    int again = fill(way);
    empty(way, again, 0);
    printf("row %s filled %zu refused %d refilled %zu\n", row, sum * way->charge, refusal, again * way->charge);
}

static int stop;

static void *come_and_go(void *thread)
{
    self = (long)thread;
    in_primary();
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        dptr at = 0;
        OK(cuMemAllocAsync, &at, MIB, streams[self]);
        OK(cuMemFreeAsync, at, streams[self]);
    }
    return NULL;
}

/* Two threads use a pool that never takes more than half; what fits beside it is never refused. */
static void beside(void)
{
    pthread_t all[2];
    dptr keep = 0, at = 0;
    in_primary();
    for (int at = 0; at <= THREADS; at++)
        OK(cuStreamCreate, &streams[at], 1);
    OK(cuMemAllocAsync, &keep, MIB, streams[THREADS]);
    for (long at = 0; at < 2; at++)
        if (pthread_create(&all[at], NULL, come_and_go, (void *)at))
            FAIL("no threads");
    for (int round = 0; round < 3000; round++) {
        OK(cuMemAlloc_v2, &at, 4 * MIB);
        OK(cuMemFree_v2, at);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int at = 0; at < 2; at++)
        pthread_join(all[at], NULL);
    OK(cuMemFreeAsync, keep, streams[THREADS]);
    synchronize();
    expect_used(0, "emptied");
    race(&(struct way){8 * MIB, take_pooled, give_pooled, synchronize});
}

static void linear(void) { race(&(struct way){4 * MIB, take_linear, give_linear}); }
static void vmm(void) { race(&(struct way){4 * MIB, take_vmm, give_vmm}); }
static void shrunk(void)
{
    shrink = trim, give = give_pooled_now;
    race(&(struct way){8 * MIB, take_pooled, give_pooled, synchronize});
}

static void pooled(void) { race(&(struct way){8 * MIB, take_pooled, give_pooled, synchronize}); }

ROWS({"race-linear", linear}, {"race-vmm", vmm}, {"race-pool", pooled},
     {"race-pool-shrunk", shrunk}, {"race-pool-beside", beside})
