/* integral STEPS SEED CLOCK: 3 processes hold memory of every kind for known times, one client.
 *
 * Time is a word in the file CLOCK, which only moves between two steps, never in the midst of one. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../quota/driver.h"

enum { PROCESSES = 3, PIECES = 24 };
static uint64_t steps, seed, *ticks;
static struct { pthread_mutex_t turn; } *all;

static void must(int code, const char *what)
{
    if (code) fprintf(stderr, "integral: %s answered %d\n", what, code), _exit(1);
}
#define OK(function, ...) must(function(__VA_ARGS__), #function)

static uint64_t next(void)
{
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    return seed;
}

static struct { int kind; uint64_t name; } held[PIECES];

static void give(int at)
{
    switch (held[at].kind) {
    case 1: case 2: OK(cuMemFree_v2, held[at].name); break;
    case 3: OK(cuMemRelease, held[at].name); break;
    case 4: OK(cuArrayDestroy, held[at].name); break;
    case 5: OK(cuMemFreeAsync, held[at].name, 0); OK(cuStreamSynchronize, 0); break;
    }
    held[at].kind = 0;
}

static void step(void)
{
    allocation physical = {.kind = 1, .where = {ON_DEVICE, 0}};
    array_2d shape = {1024, 1024, 0x20, 1};
    int at = (int)(next() % PIECES);
    if (held[at].kind) { give(at); return; }
    held[at].kind = 1 + (int)(next() % 5);
    switch (held[at].kind) {
    case 1: OK(cuMemAlloc_v2, &held[at].name, 1 + next() % (1 << 20)); break;
    case 2: OK(cuMemAlloc_v2, &held[at].name, (1 << 20) + next() % (64 << 20)); break;
    case 3: OK(cuMemCreate, &held[at].name, (2 << 20) * (1 + next() % 8), &physical, 0); break;
    case 4: OK(cuArrayCreate_v2, &held[at].name, &shape); break;
    case 5: OK(cuMemAllocAsync, &held[at].name, 1 + next() % (8 << 20), 0); break;
    }
}

int main(int count, char **arguments)
{
    if (count < 4) return 2;
    steps = strtoull(arguments[1], NULL, 10), seed = strtoull(arguments[2], NULL, 10);
    int file = open(arguments[3], O_RDWR);
    ticks = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t among_processes;
    pthread_mutexattr_init(&among_processes);
    pthread_mutexattr_setpshared(&among_processes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&all->turn, &among_processes);
    for (int process = 0; process < PROCESSES; process++) {
        if (fork() != 0) continue;
        seed = seed * 1000003 + (uint64_t)process * 7919 + 1;
        handle context;
        pthread_mutex_lock(&all->turn);
        OK(cuInit, 0);
        OK(cuDevicePrimaryCtxRetain, &context, 0);
        OK(cuCtxSetCurrent, context);
        /* One whose pool keeps what is freed. */
        handle pool;
        uint64_t keeps = process ? 0 : 48 << 20;
        OK(cuDeviceGetMemPool, &pool, 0);
        OK(cuMemPoolSetAttribute, pool, 4, &keeps);
        pthread_mutex_unlock(&all->turn);
        for (uint64_t done = 0; done < steps; done++) {
            pthread_mutex_lock(&all->turn);
            step();
            *ticks += next() % 1000;
            pthread_mutex_unlock(&all->turn);
        }
        pthread_mutex_lock(&all->turn);
        for (int at = 0; at < PIECES; at++) give(at);
        OK(cuMemPoolTrimTo, pool, 0);
        OK(cuDevicePrimaryCtxRelease_v2, 0);
        pthread_mutex_unlock(&all->turn);
        exit(0);
    }
    for (int process = 0, status; process < PROCESSES; process++)
        if (wait(&status) < 0 || status != 0) return 1;
    return 0;
}
