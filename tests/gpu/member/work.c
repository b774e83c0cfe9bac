/* Work: checked, measured, marked when it is done, or at fault. */
#include "work.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "talk.h"
#include "ways.h"

enum { WORDS = 4096, THREADS = 256, ROUNDS = 500, LARGE = 1 << 19, LONG = 20000, BATCH = 4 };
enum { MULTIPROCESSORS = 16, UNDER_MPS = 133 };
static handle spin, mix, strike;

void load_kernels(const char *ptx)
{
    handle module;
    DO(cuModuleLoadData(&module, ptx));
    DO(cuModuleGetFunction(&spin, module, "spin"));
    DO(cuModuleGetFunction(&mix, module, "mix"));
    DO(cuModuleGetFunction(&strike, module, "strike"));
}

void launch_spin(uint64_t nanoseconds)
{
    void *parameters[] = {&nanoseconds};
    DO(cuLaunchKernel(spin, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
}

static int launch_mix(dptr at, unsigned words, unsigned rounds)
{
    void *parameters[] = {&at, &rounds};
    return cuLaunchKernel(mix, words / THREADS, 1, 1, THREADS, 1, 1, 0, stream, parameters, NULL);
}

/* What came of work on words that are known. */
struct seen {
    int status; /* the first that was not 0 */
    /* Words that came back as they were sent, and as the kernel makes them. */
    unsigned long rounds, moved, mixed;
};

/* To the device, from one place on it to another, through the kernel, and back. */
static int there_and_back(uint32_t *words, dptr at)
{
    size_t bytes = WORDS * sizeof *words;
    int status = cuMemcpyHtoD_v2(at, words, bytes);
    status = status ? status : cuMemcpyDtoD_v2(at + bytes, at, bytes);
    /* The copies are another stream's. */
    status = status ? status : cuCtxSynchronize();
    status = status ? status : launch_mix(at + bytes, WORDS, ROUNDS);
    status = status ? status : cuStreamSynchronize(stream);
    memset(words, 0, bytes);
    status = status ? status : cuMemcpyDtoH_v2(words, at + bytes, bytes);
    /* Of everything, so that whoever is idle is known to be. */
    return status ? status : cuCtxSynchronize();
}

static void check(struct seen *seen)
{
    static dptr at;
    static uint32_t words[WORDS];
    uint32_t start = (uint32_t)rand();
    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = start + i;
    int status = at ? 0 : cuMemAlloc_v2(&at, 2 * sizeof words);
    seen->status = status ? status : there_and_back(words, at);
    if (seen->status)
        return;
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t mixed = start + i;
        seen->moved += words[i] == mixed;
        for (unsigned round = 0; round < ROUNDS; round++)
            mixed = mixed * 1664525 + 1013904223;
        seen->mixed += words[i] == mixed;
    }
    seen->rounds++;
}

static void tell(const struct seen *seen)
{
    answer(", \"status\": %d, \"rounds\": %lu, \"moved\": %lu, \"mixed\": %lu, \"words\": %lu", seen->status,
           seen->rounds, seen->moved, seen->mixed, seen->rounds * WORDS);
}

static void labour(void)
{
    struct seen seen = {0};
    do
        check(&seen);
    while (!seen.status && !told());
    tell(&seen);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

/* As much as the device takes, for so long. */
static void grind(unsigned milliseconds)
{
    dptr at;
    unsigned long times = 0;
    DO(cuMemAlloc_v2(&at, LARGE * sizeof(uint32_t)));
    double start = now(), end = start + milliseconds / 1e3, ended;
    do {
        for (int i = 0; i < BATCH; i++)
            must(launch_mix(at, LARGE, LONG), "grind");
        DO(cuStreamSynchronize(stream));
        times += BATCH;
        ended = now();
    } while (ended < end);
    DO(cuMemFree_v2(at));
    answer(", \"times\": %lu, \"seconds\": %.6f", times, ended - start);
}

static void put_mark(void *place) { *(volatile char *)place = 'x'; }

/* Work of so many nanoseconds, and then an x in that file; not waited for. */
static void mark(const char *path, uint64_t nanoseconds)
{
    int file = open(path, O_RDWR);
    void *place = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (place == MAP_FAILED)
        must(-1, path);
    launch_spin(nanoseconds);
    DO(cuLaunchHostFunc(stream, put_mark, place));
    answer("");
}

/* Launched by a call that nothing else here makes: by it the simulated driver is told which work faults. */
static void be_at_fault(void)
{
    int launched = cuLaunchCooperativeKernel(strike, 1, 1, 1, 1, 1, 1, 0, stream, NULL);
    answer(", \"launched\": %d, \"status\": %d", launched, cuStreamSynchronize(stream));
}

static void say_sms(void)
{
    int sms, mps;
    DO(cuDeviceGetAttribute(&sms, MULTIPROCESSORS, device));
    DO(cuDeviceGetAttribute(&mps, UNDER_MPS, device));
    answer(", \"sms\": %d, \"mps\": %d", sms, mps);
}

int obeys_about_work(const char *command)
{
    char path[200];
    unsigned long number;
    struct seen seen = {0};
    if (!strcmp(command, "check\n"))
        check(&seen), tell(&seen);
    else if (!strcmp(command, "labour\n"))
        answer(""), labour();
    else if (!strcmp(command, "strike\n"))
        be_at_fault();
    else if (!strcmp(command, "sms\n"))
        say_sms();
    else if (sscanf(command, "grind %lu", &number) == 1)
        grind(number);
    else if (sscanf(command, "mark %lu %199s", &number, path) == 2)
        mark(path, number);
    else if (sscanf(command, "spin %lu", &number) == 1)
        launch_spin(number), answer("");
    else if (!strcmp(command, "work\n"))
        launch_spin(1000), must(cuStreamSynchronize(stream), "work"), answer("");
    else
        return 0;
    return 1;
}
