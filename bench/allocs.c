// What accounting adds to an allocation and its free: allocs LIVE BYTES|info lifo|fifo|random ROUNDS [PROCESSES [THREADS]]
// How often all together make a pair, hooked: allocs LIVE BYTES together ROUNDS PROCESSES
//
// LIVE allocations are held all the time; each step frees one of them and allocates another. Whatever the
// order, the list of them is walked from end to end: its own cache misses are not the accounting's. The
// driver's own functions are reached under names that nothing stands before, so both ways are timed in
// the same process, in alternating rounds. Threads but the first only wait: a process that has any pays
// for its locks. Prints ns per pair, direct and hooked by turns; of all together ns from one pair to the next.
#define _GNU_SOURCE
#include "together.h"
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef unsigned long long address;
extern int cuInit(unsigned), cuMemAlloc_v2(address *, size_t), cuMemFree_v2(address), cuMemGetInfo_v2(size_t *, size_t *);
typedef struct { int (*alloc)(address *, size_t), (*free)(address), (*info)(size_t *, size_t *); address *held; } Way;

enum { STEPS = 400 };
static size_t live, bytes;
static enum { LIFO, FIFO, RANDOM, TOGETHER } order;
static unsigned long long seed = 88172645463325252ull;

static void fail(const char *what) {
    fprintf(stderr, "allocs: %s\n", what);
    exit(1);
}

// The driver is loaded for everyone, and these names are its alone.
static void *direct(const char *name) {
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found) fail(name);
    return found;
}

static size_t place(size_t step) {
    return order == LIFO || order == TOGETHER ? live - 1 : step % live;
}

static void shuffle(address *all) {
    for (size_t left = live; left > 1; left--) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        size_t other = seed % left;
        address moved = all[left - 1];
        all[left - 1] = all[other], all[other] = moved;
    }
}

static double pairs(Way way, size_t from) {
    double start = now();
    for (size_t step = 0; step < STEPS; step++) {
        size_t at = place(from + step);
        way.free(way.held[at]);
        if (way.alloc(&way.held[at], bytes) != 0) fail("an allocation failed");
    }
    return (now() - start) / STEPS;
}

static double infos(Way way) {
    size_t left, total;
    double start = now();
    for (size_t step = 0; step < STEPS; step++) way.info(&left, &total);
    return (now() - start) / STEPS;
}

static void *wait_for_ever(void *nothing) {
    for (;;) pause();
    return nothing;
}

int main(int count, char **arguments) {
    if (count < 5) fail("usage: allocs LIVE BYTES|info lifo|fifo|random ROUNDS [PROCESSES [THREADS]]");
    live = strtoul(arguments[1], NULL, 10);
    int info = !strcmp(arguments[2], "info"), rounds = atoi(arguments[4]);
    bytes = info ? 512 : strtoul(arguments[2], NULL, 10);
    int processes = count > 5 ? atoi(arguments[5]) : 1, threads = count > 6 ? atoi(arguments[6]) : 1;
    const char *orders[] = {"lifo", "fifo", "random", "together"};
    while (order < TOGETHER && strcmp(arguments[3], orders[order])) order++;
    struct { pthread_barrier_t start; _Atomic int done; double samples[]; } *shared =
        seen_by_all(sizeof *shared + sizeof(double) * 2 * rounds * processes);
    if (!shared) fail("no memory");
    meet(&shared->start, processes);
    for (int process = 0; process < processes; process++) {
        if (fork() != 0) continue;
        // Those that are left wait for all: not if one has failed, and with it the one that started them.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int thread = 1; thread < threads; thread++)
            if (pthread_create(&(pthread_t){0}, NULL, wait_for_ever, NULL)) fail("no threads");
        if (cuInit(0) != 0) fail("cuInit failed");
        Way ways[] = {{direct("direct_cuMemAlloc_v2"), direct("direct_cuMemFree_v2"), direct("direct_cuMemGetInfo_v2"),
                       calloc(live, sizeof(address))},
                      {cuMemAlloc_v2, cuMemFree_v2, cuMemGetInfo_v2, calloc(live, sizeof(address))}};
        for (int way = 0; way < 2; way++) {
            for (size_t at = 0; at < live; at++)
                if (ways[way].alloc(&ways[way].held[at], bytes) != 0) fail("an allocation failed");
            if (order == RANDOM) shuffle(ways[way].held);
        }
        pthread_barrier_wait(&shared->start);
        double *samples = shared->samples + 2 * rounds * process;
        if (order == TOGETHER) {
            samples[0] = now();
            for (int round = 0; round < rounds; round++) pairs(ways[1], 0);
            samples[1] = now();
            _exit(0);
        }
        for (int round = 0; round < rounds; round++)
            for (int turn = 0; turn < 2; turn++) {
                int way = (round + turn) % 2;
                samples[2 * round + way] = info ? infos(ways[way]) : pairs(ways[way], (size_t)round * STEPS);
            }
        // The others are still measured beside this one.
        for (shared->done++; shared->done < processes;)
            for (int way = 0; way < 2; way++) info ? infos(ways[way]) : pairs(ways[way], 0);
        _exit(0);
    }
    if (!all_ended(processes)) fail("a process failed");
    if (order == TOGETHER) {
        double from = shared->samples[0], to = shared->samples[1];
        for (double *each = shared->samples; each < shared->samples + 2 * rounds * processes; each += 2 * rounds) {
            from = each[0] < from ? each[0] : from;
            to = each[1] > to ? each[1] : to;
        }
        return printf("%.2f\n", (to - from) / ((double)processes * rounds * STEPS)), 0;
    }
    for (int at = 0; at < 2 * rounds * processes; at++) printf("%.2f ", shared->samples[at]);
    printf("\n");
}
