/* storm KINDS OPERATIONS SEED QUOTA_MIB: 8 processes of 8 threads take and give at random, one client.
 *
 * KINDS is `pages` (memory of whole pages), `small` (with such that shares pages) or `all` (and pools).
 *
 * `sums` is kept outside of the library: in one word that everybody shares, a count and how many pages
 * are held or being asked for, raised before a call and lowered after one, so never less than what
 * the ledger counts. A refusal at whose every moment that sum was within the quota was false. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../quota/driver.h"

#define PAGE ((size_t)2 << 20)
enum { PROCESSES = 8, THREADS = 8, PIECES = 6, RING = 1 << 20, VALUE = 24 };

static struct shared {
    _Atomic uint64_t sums;
    _Alignas(64) _Atomic uint64_t operations, refusals, unjudged, false_ones, small, vmm, pooled;
    _Atomic int failed;
    pthread_barrier_t ready, emptied, seen;
    _Atomic uint64_t ring[RING]; /* what `sums` was after each step, by its count */
} *all;

static uint64_t quota, wanted;
static int small, pooled;

/* Moves the sum; the count of the step. */
static uint64_t step(int64_t pages)
{
    uint64_t by = ((uint64_t)1 << VALUE) + (uint64_t)pages;
    uint64_t now = atomic_fetch_add(&all->sums, by) + by;
    atomic_store(&all->ring[(now >> VALUE) % RING], now);
    return now >> VALUE;
}

/* Whether the sum was within the quota at every step from `first` to `last`. */
static int always_fitted(uint64_t first, uint64_t last)
{
    for (uint64_t count = first; count <= last; count++) {
        uint64_t then;
        while ((then = atomic_load(&all->ring[count % RING])) >> VALUE < count)
            sched_yield();
        if (then >> VALUE > count) {
            /* So long ago that it is not known any more. */
            atomic_fetch_add(&all->unjudged, 1);
            return 0;
        }
        if ((then & (((uint64_t)1 << VALUE) - 1)) > quota)
            return 0;
    }
    return 1;
}

enum kind { LARGE, SMALL, VMM, POOLED };
static struct piece { enum kind kind; uint64_t name; int64_t pages; } const nothing;

static int fail(const char *what, int code)
{
    fprintf(stderr, "%s answered %d\n", what, code);
    atomic_store(&all->failed, 1);
    return code;
}

static int ask(struct piece *piece, size_t bytes, handle stream)
{
    allocation kind = {.kind = 1, .where = {ON_DEVICE, 0}};
    switch (piece->kind) {
    case VMM: return cuMemCreate(&piece->name, bytes, &kind, 0);
    case POOLED: return cuMemAllocAsync(&piece->name, bytes, stream);
    default: return cuMemAlloc_v2(&piece->name, bytes);
    }
}

static void take(struct piece *piece, unsigned random, handle stream)
{
    unsigned kind = random % 16, size = random >> 8;
    size_t bytes;
    *piece = nothing;
    piece->kind = kind < 6 ? LARGE : kind < 11 && small ? SMALL : kind < 14 || !pooled ? VMM : POOLED;
    /* A page for every small one, and a pool's step for what is pooled: more than they come to. */
    piece->pages = piece->kind == SMALL ? 1 : piece->kind == POOLED ? 16 : 1 + size % 4;
    bytes = piece->kind == SMALL ? 1 + size % (1 << 20) : piece->kind == POOLED ? 8 << 20
                                                                                : piece->pages * PAGE;
    uint64_t first = step(piece->pages);
    int code = ask(piece, bytes, stream);
    if (code == OUT_OF_MEMORY) {
        /* The sum while it was refused has what it asked for in it. */
        uint64_t last = atomic_load(&all->sums) >> VALUE;
        atomic_fetch_add(&all->refusals, 1);
        if (always_fitted(first, last)) {
            atomic_fetch_add(&all->false_ones, 1);
            fprintf(stderr, "kind %d, %zu bytes: falsely refused\n", piece->kind, bytes);
        }
        step(-piece->pages);
        *piece = nothing;
        return;
    }
    if (code) {
        fail("taking", code);
        return;
    }
    if (piece->kind != LARGE)
        atomic_fetch_add(piece->kind == SMALL ? &all->small : piece->kind == VMM ? &all->vmm : &all->pooled, 1);
}

static void give(struct piece *piece, handle stream)
{
    int code = 0;
    switch (piece->kind) {
    case VMM: code = cuMemRelease(piece->name); break;
    case POOLED:
        code = cuMemFreeAsync(piece->name, stream);
        code = code ? code : cuStreamSynchronize(stream);
        break;
    default: code = cuMemFree_v2(piece->name);
    }
    if (code)
        fail("giving back", code);
    step(-piece->pages);
    *piece = nothing;
}

static handle context;

static void *worker(void *argument)
{
    struct piece pieces[PIECES] = {0};
    handle stream = 0;
    uint64_t x = (uint64_t)argument * 0x9e3779b97f4a7c15u | 1;
    if (cuCtxSetCurrent(context) || cuStreamCreate(&stream, 1))
        fail("a stream", 1);
    pthread_barrier_wait(&all->ready);
    while (atomic_fetch_add(&all->operations, 1) < wanted && !atomic_load(&all->failed)) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        struct piece *piece = &pieces[(x >> 40) % PIECES];
        if (piece->name)
            give(piece, stream);
        else
            take(piece, (unsigned)(x >> 8), stream);
    }
    for (int at = 0; at < PIECES; at++)
        if (pieces[at].name)
            give(&pieces[at], stream);
    cuStreamSynchronize(stream);
    pthread_barrier_wait(&all->emptied);
    return NULL;
}

static int process(uint64_t seed)
{
    pthread_t threads[THREADS];
    size_t left = 0, total = 0;
    if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context))
        return fail("starting", 1);
    for (uint64_t at = 0; at < THREADS; at++)
        if (pthread_create(&threads[at], NULL, worker, (void *)(seed * THREADS + at + 1)))
            return fail("a thread", 1);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    /* Everybody lives, and nobody holds anything. */
    if (cuMemGetInfo_v2(&left, &total) || left != total)
        fail("what is left", (int)((total - left) >> 20));
    pthread_barrier_wait(&all->seen);
    return 0;
}

int main(int arguments, char **argument)
{
    pthread_barrierattr_t shared;
    if (arguments < 5)
        return 2;
    pooled = !strcmp(argument[1], "all");
    small = pooled || !strcmp(argument[1], "small");
    wanted = strtoull(argument[2], NULL, 0);
    quota = strtoull(argument[4], NULL, 0) / 2;
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_init(&shared);
    pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&all->ready, &shared, PROCESSES * THREADS);
    pthread_barrier_init(&all->emptied, &shared, PROCESSES * THREADS);
    pthread_barrier_init(&all->seen, &shared, PROCESSES);
    int wrong = 0, status;
    pid_t pids[PROCESSES];
    for (uint64_t at = 0; at < PROCESSES; at++)
        if ((pids[at] = fork()) == 0)
            return process(strtoull(argument[3], NULL, 0) * PROCESSES + at);
    while (wait(&status) > 0) {
        /* The others would wait for it. */
        for (int at = 0; status && at < PROCESSES; at++)
            kill(pids[at], SIGKILL);
        wrong |= status;
    }
    printf("operations %lu refusals %lu unjudged %lu false %lu small %lu vmm %lu pooled %lu\n", all->operations,
           all->refusals, all->unjudged, all->false_ones, all->small, all->vmm, all->pooled);
    return wrong || atomic_load(&all->failed) || all->false_ones;
}
