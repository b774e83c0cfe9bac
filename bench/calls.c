// What a call costs by way of the library, against the same call made directly: calls PROCESSES THREADS PAIRS
//
// The real function is reached under a name that nothing stands before (see null-driver), so both are
// timed in the same process, in alternating short rounds: pointer against pointer, PLT against PLT.
// Prints a line per cell: the call, the way to it, then ns per call, direct and hooked by turns.
// With PAIRS 0 nothing is timed: each cell's loops run once, each followed by `mark`, for callgrind.
#define _GNU_SOURCE
#include "together.h"
#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

enum { ROUND = 2000 };

typedef void Loop(void *function, long calls);
typedef int ProcAddress(const char *, void **, int, unsigned long long);
typedef int ProcAddressV2(const char *, void **, int, unsigned long long, int *);
typedef struct { Loop *direct_loop, *hooked_loop; void *direct, *hooked; const char *call, *path; } Cell;

extern int cuInit(unsigned);
extern void *direct_address(const char *name);

#define LOOPS(symbol, parameters, arguments)                                                             \
    extern int symbol parameters;                                                                        \
    extern int direct_##symbol parameters;                                                               \
    __attribute__((noinline)) static void symbol##_pointer(void *function, long calls) {                 \
        int(*call) parameters = function;                                                                \
        while (calls--) call arguments;                                                                  \
    }                                                                                                    \
    __attribute__((noinline)) static void symbol##_linked(void *function, long calls) {                  \
        while (calls--) symbol arguments;                                                                \
    }                                                                                                    \
    __attribute__((noinline)) static void symbol##_linked_directly(void *function, long calls) {         \
        while (calls--) direct_##symbol arguments;                                                       \
    }

LOOPS(cuLaunchKernel,
      (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **),
      (NULL, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL))
LOOPS(cuLaunchHostFunc, (void *, void *, void *), (NULL, NULL, NULL))
LOOPS(cuStreamGetPriority, (void *, int *), (NULL, NULL))

enum { PATHS = 4, CELLS = 3 * PATHS + 1 };
static Cell cells[CELLS];
static int pairs, workers;
static struct { pthread_barrier_t start; float samples[]; } *shared;

static void fail(const char *what) {
    fprintf(stderr, "calls: %s\n", what);
    exit(1);
}

static void *of(const char *what, void *address, int ours) {
    Dl_info info, library;
    if (!address || !dladdr(address, &info)) fail(what);
    void *version = dlsym(RTLD_DEFAULT, "cuota_version");
    if (!version || !dladdr(version, &library)) fail("the library is not preloaded");
    if ((info.dli_fbase == library.dli_fbase) != ours) fail(what);
    return address;
}

static int add(int at, const char *name, Loop *pointer, Loop *linked, Loop *linked_directly) {
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *by_v1 = NULL, *by_v2 = NULL;
    if (!driver) fail("no libcuda.so.1");
    ((ProcAddress *)dlsym(driver, "cuGetProcAddress"))(name, &by_v1, 12000, 0);
    ((ProcAddressV2 *)dlsym(driver, "cuGetProcAddress_v2"))(name, &by_v2, 12000, 0, NULL);
    void *direct = of("direct calls do not reach the driver", direct_address(name), 0);
    of("the linked call is not hooked", dlsym(RTLD_DEFAULT, name), 1);
    void *found = of("dlsym's answer is not hooked", dlsym(driver, name), 1);
    of("cuGetProcAddress's answer is not hooked", by_v1, 1);
    of("cuGetProcAddress_v2's answer is not hooked", by_v2, 1);
    cells[at++] = (Cell){linked_directly, linked, NULL, NULL, name, "linked"};
    cells[at++] = (Cell){pointer, pointer, direct, found, name, "dlsym"};
    cells[at++] = (Cell){pointer, pointer, direct, by_v1, name, "cuGetProcAddress"};
    cells[at++] = (Cell){pointer, pointer, direct, by_v2, name, "cuGetProcAddress_v2"};
    return at;
}

static void resolve(void) {
    if (cuInit(0) != 0) fail("cuInit failed");
    int at = 0;
#define ADD(symbol) at = add(at, #symbol, symbol##_pointer, symbol##_linked, symbol##_linked_directly)
    ADD(cuLaunchKernel);
    ADD(cuLaunchHostFunc);
    ADD(cuStreamGetPriority);
    // What the method itself finds where there is nothing to be found.
    void *direct = direct_address("cuLaunchHostFunc");
    cells[at] = (Cell){cuLaunchHostFunc_pointer, cuLaunchHostFunc_pointer, direct, direct, "control", "direct twice"};
}

static float round_of(Loop *loop, void *function) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    loop(function, ROUND);
    clock_gettime(CLOCK_MONOTONIC, &to);
    return ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / ROUND;
}

static void *work(void *number) {
    for (int i = 0; i < CELLS; i++) {
        float *sample = shared->samples + ((long)i * workers + (long)number) * pairs * 2;
        Cell cell = cells[i];
        pthread_barrier_wait(&shared->start);
        cell.direct_loop(cell.direct, ROUND), cell.hooked_loop(cell.hooked, ROUND);
        for (int pair = 0; pair < pairs; pair++) {
            // Whoever comes first pays for what the other left in the caches: they take turns.
            if (pair % 2) sample[pair * 2 + 1] = round_of(cell.hooked_loop, cell.hooked);
            sample[pair * 2] = round_of(cell.direct_loop, cell.direct);
            if (pair % 2 == 0) sample[pair * 2 + 1] = round_of(cell.hooked_loop, cell.hooked);
        }
    }
    return NULL;
}

__attribute__((noinline)) void mark(void) { __asm__ volatile(""); }

static void count(void) {
    resolve();
    for (int i = 0; i < CELLS; i++) {
        Cell cell = cells[i];
        printf("%s\t%s\t%d\n", cell.call, cell.path, ROUND);
        cell.direct_loop(cell.direct, 1), cell.hooked_loop(cell.hooked, 1); // binds lazily
    }
    fflush(stdout);
    mark();
    for (int i = 0; i < CELLS; i++) {
        cells[i].direct_loop(cells[i].direct, ROUND);
        mark();
        cells[i].hooked_loop(cells[i].hooked, ROUND);
        mark();
    }
}

static void print(void) {
    for (int i = 0; i < CELLS; i++) {
        float *samples = shared->samples + (long)i * workers * pairs * 2;
        printf("%s\t%s\t", cells[i].call, cells[i].path);
        for (long at = 0; at < (long)workers * pairs * 2; at++) printf("%.3f ", samples[at]);
        printf("\n");
    }
}

int main(int count_of, char **arguments) {
    if (count_of != 4) fail("usage: calls PROCESSES THREADS PAIRS");
    int processes = atoi(arguments[1]), threads = atoi(arguments[2]);
    pairs = atoi(arguments[3]), workers = processes * threads;
    if (workers < 1 || pairs < 0) fail("usage: calls PROCESSES THREADS PAIRS");
    if (pairs == 0) return count(), 0;
    size_t size = sizeof *shared + sizeof(float) * CELLS * workers * pairs * 2;
    shared = seen_by_all(size);
    if (!shared) fail("no memory");
    meet(&shared->start, workers);
    for (int process = 0; process < processes; process++) {
        if (fork() != 0) continue;
        resolve();
        pthread_t others[threads];
        for (long i = 1; i < threads; i++)
            pthread_create(&others[i], NULL, work, (void *)((long)process * threads + i));
        work((void *)((long)process * threads));
        for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
        _exit(0);
    }
    if (!all_ended(processes)) fail("a process failed");
    resolve();
    print();
}
