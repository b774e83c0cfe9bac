/* kills COUNT SEED: members allocate and free as fast as they can, and are killed in the
 * midst of it, one after the other. Whoever is left must have exactly what it holds, nobody hangs, and
 * after the last nothing is held. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../quota/driver.h"

#define PAGE ((size_t)2 << 20)
#define SECOND 1000000000ull
enum { MEMBERS = 6, THREADS = 2, PIECES = 4, HUNG = 30 };

struct one {
    _Atomic uint64_t held, began[THREADS];
    _Atomic int joined, resting;
};
static struct shared {
    struct one members[MEMBERS];
    _Atomic int halt, failed;
    _Atomic uint64_t used, stall, operations, refusals;
} *all;
static struct one *self;
static handle context;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void wrong(const char *what, int code)
{
    fprintf(stderr, "%s: %d\n", what, code);
    atomic_store(&all->failed, 1);
}

struct piece { dptr name; int is_vmm; uint64_t bytes; };

static int give(struct piece *piece)
{
    int code = piece->is_vmm ? cuMemRelease(piece->name) : cuMemFree_v2(piece->name);
    atomic_fetch_sub(&self->held, piece->bytes);
    return code;
}

static void *worker(void *argument)
{
    uint64_t thread = (uint64_t)argument % THREADS, x = (uint64_t)argument * 0x9e3779b97f4a7c15u | 1;
    struct piece pieces[PIECES] = {0};
    allocation kind = {.kind = 1, .where = {ON_DEVICE, 0}};
    cuCtxSetCurrent(context);
    while (!atomic_load(&all->halt)) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int at = (x >> 40) % PIECES, code;
        uint64_t began = now();
        atomic_store(&self->began[thread], began);
        if (pieces[at].name) {
            code = give(&pieces[at]);
            pieces[at].name = 0;
        } else {
            pieces[at].is_vmm = x >> 30 & 1;
            pieces[at].bytes = (1 + (x >> 20) % 4) * PAGE;
            code = pieces[at].is_vmm ? cuMemCreate(&pieces[at].name, pieces[at].bytes, &kind, 0)
                                     : cuMemAlloc_v2(&pieces[at].name, pieces[at].bytes);
            atomic_fetch_add(code ? &all->refusals : &self->held, code ? 1 : pieces[at].bytes);
            if (code)
                pieces[at].name = 0;
            code = code == OUT_OF_MEMORY ? 0 : code;
        }
        uint64_t took = now() - began, most = atomic_load(&all->stall);
        while (took > most && !atomic_compare_exchange_weak(&all->stall, &most, took)) {
        }
        atomic_fetch_add(&all->operations, 1);
        if (code)
            wrong("a call answered", code);
    }
    atomic_store(&self->began[thread], 0);
    /* Room for another's context; the last piece stays. */
    for (int at = 0; at < PIECES - 1; at++)
        if (pieces[at].name && !give(&pieces[at]))
            pieces[at].name = 0;
    atomic_fetch_add(&self->resting, 1);
    for (;;)
        pause();
    return NULL;
}

/* A full quota has no room for a context either. */
static int enter(void)
{
    int code = cuInit(0);
    while (!code && (code = cuDevicePrimaryCtxRetain(&context, 0)) == OUT_OF_MEMORY)
        code = 0, usleep(50);
    return code ? code : cuCtxSetCurrent(context);
}

static void member(uint64_t seed)
{
    pthread_t thread;
    int code = enter();
    if (code)
        wrong("joining answered", code), exit(1);
    atomic_store(&self->joined, 1);
    for (uint64_t at = 1; at < THREADS; at++)
        pthread_create(&thread, NULL, worker, (void *)(seed * THREADS + at));
    worker((void *)(seed * THREADS));
}

static pid_t start(int at, uint64_t seed)
{
    self = &all->members[at];
    memset(self, 0, sizeof *self);
    pid_t pid = fork();
    if (pid == 0)
        member(seed);
    return pid;
}

/* What a process that has just come is told. */
static uint64_t seen_by_another(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        size_t left = 0, total = 0;
        int code = enter();
        code = code ? code : cuMemGetInfo_v2(&left, &total);
        if (code)
            wrong("another answered", code);
        atomic_store(&all->used, total - left);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    return atomic_load(&all->used);
}

static void look_for_the_hung(void)
{
    uint64_t time = now();
    for (int at = 0; at < MEMBERS * THREADS; at++) {
        uint64_t began = all->members[at / THREADS].began[at % THREADS];
        if (began && time > began + HUNG * SECOND)
            wrong("a member hangs", at / THREADS);
    }
}

int main(int arguments, char **argument)
{
    if (arguments < 3)
        return 2;
    long count = atol(argument[1]);
    uint64_t x = strtoull(argument[2], NULL, 0) * 2654435761u | 1, held = 0;
    pid_t pids[MEMBERS];
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int at = 0; at < MEMBERS; at++)
        pids[at] = start(at, at + 1);
    for (long killed = 0; killed < count && !all->failed; killed++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int at = (x >> 20) % MEMBERS;
        /* Most are killed under load, some while they join. */
        for (uint64_t spins = 0; x >> 60 && !all->members[at].joined && !all->failed; spins++)
            usleep(50), look_for_the_hung();
        if (x >> 50 & 1)
            usleep((x >> 30) % 2000);
        kill(pids[at], SIGKILL);
        waitpid(pids[at], NULL, 0);
        pids[at] = start(at, x | 1);
        look_for_the_hung();
    }
    atomic_store(&all->halt, 1);
    for (int at = 0; at < MEMBERS; at++) {
        while (all->members[at].resting < THREADS && !all->failed)
            usleep(50), look_for_the_hung();
        held += all->members[at].held;
    }
    uint64_t survivors = seen_by_another();
    for (int at = 0; at < MEMBERS; at++) {
        kill(pids[at], SIGKILL);
        waitpid(pids[at], NULL, 0);
    }
    uint64_t after = seen_by_another();
    printf("killed %ld operations %lu refusals %lu longest stall %lu us; survivors hold %lu, seen %lu; at the end %lu\n",
           count, all->operations, all->refusals, all->stall / 1000, held, survivors, after);
    return all->failed || survivors != held || after;
}
