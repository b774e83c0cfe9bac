/* counts OPERATIONS SEED: 3 processes of 8 threads do work of every counted kind at random, one client.
 *
 * Each thread has a stream of its own, the first of each process also what is the process's: contexts,
 * code, captures. Failures are part of it: none of them may be counted. Everything is given back. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../quota/driver.h"

#define CODE ".version 7.0\n.target sm_50\n.address_size 64\n.visible .entry k()\n{\n ret;\n}\n"
enum { PROCESSES = 3, THREADS = 8, BUFFER = 64 << 10, PIECES = 8 };
typedef struct { uint64_t words[16]; } rows;
typedef struct { uint64_t words[25]; } slices;
typedef struct { unsigned grid[3], block[3], shared; uint64_t stream; void *attributes; unsigned count; } config;
typedef struct { uint32_t kind, pad, value[16]; } attribute;

extern int cuModuleGetFunction(handle *, handle, const char *), cuFuncSetBlockShape(handle, int, int, int), cuCtxSynchronize_v2(handle);
extern int cuLaunchKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **, void **);
extern int cuLaunchKernel_ptsz(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **, void **);
extern int cuLaunchCooperativeKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **);
extern int cuLaunchKernelEx(const config *, handle, void **, void **), cuLaunchGridAsync(handle, int, int, handle);
extern int cuMemcpy(dptr, dptr, size_t), cuMemcpyAsync(dptr, dptr, size_t, handle), cuMemcpyAsync_ptsz(dptr, dptr, size_t, handle);
extern int cuMemcpyHtoD_v2(dptr, const void *, size_t), cuMemcpyHtoDAsync_v2(dptr, const void *, size_t, handle);
extern int cuMemcpyDtoH_v2(void *, dptr, size_t), cuMemcpyDtoHAsync_v2(void *, dptr, size_t, handle);
extern int cuMemcpyDtoD_v2(dptr, dptr, size_t), cuMemcpyDtoDAsync_v2(dptr, dptr, size_t, handle);
extern int cuMemcpyPeer(dptr, handle, dptr, handle, size_t), cuMemcpyPeerAsync(dptr, handle, dptr, handle, size_t, handle);
extern int cuMemcpyHtoA_v2(handle, size_t, const void *, size_t), cuMemcpyAtoH_v2(void *, handle, size_t, size_t);
extern int cuMemcpyAtoD_v2(dptr, handle, size_t, size_t), cuMemcpyDtoA_v2(handle, size_t, dptr, size_t);
extern int cuMemcpyAtoA_v2(handle, size_t, handle, size_t, size_t);
extern int cuMemcpy2D_v2(const rows *), cuMemcpy2DAsync_v2(const rows *, handle), cuMemcpy3D_v2(const slices *), cuMemcpy3DAsync_v2(const slices *, handle);
extern int cuMemcpyBatchAsync_v2(dptr *, dptr *, size_t *, size_t, void *, size_t *, size_t, handle);
extern int cuMemsetD16_v2(dptr, unsigned short, size_t), cuMemsetD32Async(dptr, unsigned, size_t, handle), cuMemsetD8Async(dptr, unsigned char, size_t, handle);
extern int cuMemsetD2D8_v2(dptr, size_t, unsigned char, size_t, size_t), cuMemsetD2D32Async(dptr, size_t, unsigned, size_t, size_t, handle);
extern int cuGraphAddKernelNode(handle *, handle, const handle *, size_t, const void *), cuGraphNodeSetEnabled(handle, handle, unsigned);
extern int cuStreamBeginCapture_v2_ptsz(handle, unsigned), cuStreamEndCapture_ptsz(handle, handle *);

static uint64_t operations, seed;
static pthread_rwlock_t captures = PTHREAD_RWLOCK_INITIALIZER;
static handle context, module, kernel, exec, child_exec, node;

static void must(int code, const char *what)
{
    if (code) fprintf(stderr, "counts: %s answered %d\n", what, code), _exit(1);
}
#define OK(function, ...) must(function(__VA_ARGS__), #function)
/* A call that must fail. */
#define NOT(function, ...) must(function(__VA_ARGS__) == 0, "not " #function)

struct own { uint64_t random; handle stream, event, array; dptr buffer; char *host; };

static uint64_t next(struct own *own)
{
    own->random ^= own->random << 13, own->random ^= own->random >> 7, own->random ^= own->random << 17;
    return own->random;
}

static void take_and_give(struct own *own)
{
    dptr held[PIECES];
    uint64_t kind = next(own) % 7, count = 1 + next(own) % PIECES;
    size_t bytes = next(own) % 4 ? 1 + next(own) % 3000 : 1 + next(own) % (5 << 20), pitch;
    allocation physical = {.kind = 1, .where = {ON_DEVICE, 0}};
    array_2d shape = {512, 512, 0x20, 1}; /* a mebibyte */
    array_3d levels = {512, 512, 0, 0x20, 1, 0};
    for (uint64_t piece = 0; piece < count; piece++)
        switch (kind) {
        case 0: case 1: OK(cuMemAlloc_v2, &held[piece], bytes); break;
        case 2: OK(cuMemAllocPitch_v2, &held[piece], &pitch, bytes, 2, 4); break;
        case 3: OK(cuMemAllocAsync, &held[piece], bytes, own->stream); break;
        case 4: OK(cuMemCreate, &held[piece], (size_t)2 << 20, &physical, 0); break;
        case 5: OK(cuArrayCreate_v2, &held[piece], &shape); break;
        case 6: OK(cuMipmappedArrayCreate, &held[piece], &levels, 3); break;
        }
    if (kind == 0)
        NOT(cuMemFree_v2, held[0] + 1);
    for (uint64_t piece = 0; piece < count; piece++)
        switch (kind) {
        case 0: case 2: OK(cuMemFree_v2, held[piece]); break;
        case 1: case 3: OK(cuMemFreeAsync, held[piece], own->stream); break;
        case 4: OK(cuMemRelease, held[piece]); break;
        case 5: OK(cuArrayDestroy, held[piece]); break;
        case 6: OK(cuMipmappedArrayDestroy, held[piece]); break;
        }
    if (next(own) % 8 == 0) {
        OK(cuMemAllocManaged, &held[0], bytes, 1);
        OK(cuMemFree_v2, held[0]);
    }
}

static void copy(struct own *own)
{
    size_t bytes = 1 + next(own) % (BUFFER / 2);
    dptr half = own->buffer + BUFFER / 2;
    uint64_t kind = next(own) % 18, width = 1 + bytes % 100, height = 1 + bytes % 7;
    rows plane = {{[2] = 1, [3] = (uint64_t)own->host, [6] = 128, [9] = 2, [11] = own->buffer, [13] = 128, [14] = width, [15] = height}};
    slices volume = {{[4] = 2, [6] = own->buffer, [9] = 128, [10] = 8, [15] = 4, [17] = half, [20] = 128, [21] = 8, [22] = width, [23] = height, [24] = 2}};
    rows host = plane;
    host.words[9] = 1, host.words[10] = (uint64_t)own->host + BUFFER / 2;
    dptr to[] = {own->buffer, own->buffer + 4096}, from[] = {half, half + 4096};
    size_t sizes[] = {1 + bytes % 4096, 77}, firsts[] = {0};
    uint64_t attributes[8] = {1};
    switch (kind) {
    case 0: OK(cuMemcpyHtoD_v2, own->buffer, own->host, bytes); break;
    case 1: OK(cuMemcpyHtoDAsync_v2, own->buffer, own->host, bytes, own->stream); break;
    case 2: OK(cuMemcpyDtoH_v2, own->host, own->buffer, bytes); break;
    case 3: OK(cuMemcpyDtoHAsync_v2, own->host, own->buffer, bytes, own->stream); break;
    case 4: OK(cuMemcpyDtoD_v2, half, own->buffer, bytes); break;
    case 5: OK(cuMemcpyDtoDAsync_v2, half, own->buffer, bytes, own->stream); break;
    case 6: OK(cuMemcpy, half, own->buffer, bytes); break;
    case 7: OK(cuMemcpyAsync, half, own->buffer, bytes, own->stream); break;
    case 8: OK(cuMemcpyAsync_ptsz, half, own->buffer, bytes, 0); break;
    case 9: OK(cuMemcpyPeer, half, context, own->buffer, context, bytes); break;
    case 10: OK(cuMemcpyPeerAsync, half, context, own->buffer, context, bytes, own->stream); break;
    case 11: OK(cuMemcpyHtoA_v2, own->array, 0, own->host, bytes % 2048); break;
    case 12: OK(cuMemcpyAtoH_v2, own->host, own->array, 0, bytes % 2048); break;
    case 13: OK(cuMemcpyAtoD_v2, own->buffer, own->array, 0, bytes % 2048); break;
    case 14: OK(cuMemcpyDtoA_v2, own->array, 0, own->buffer, bytes % 2048); break;
    case 15: OK(cuMemcpy2D_v2, &plane); OK(cuMemcpy2DAsync_v2, &plane, own->stream); OK(cuMemcpy2D_v2, &host); break;
    case 16: OK(cuMemcpy3D_v2, &volume); OK(cuMemcpy3DAsync_v2, &volume, own->stream); break;
    case 17: OK(cuMemcpyBatchAsync_v2, to, from, sizes, 2, attributes, firsts, 1, own->stream); break;
    }
    if (next(own) % 16 == 0)
        NOT(cuMemcpyHtoD_v2, 12345, own->host, bytes);
}

static void fill(struct own *own)
{
    size_t many = 1 + next(own) % 2000;
    switch (next(own) % 6) {
    case 0: OK(cuMemsetD8_v2, own->buffer, 1, many); break;
    case 1: OK(cuMemsetD16_v2, own->buffer, 1, many); break;
    case 2: OK(cuMemsetD32Async, own->buffer, 1, many, own->stream); break;
    case 3: OK(cuMemsetD8Async, own->buffer, 1, many, own->stream); break;
    case 4: OK(cuMemsetD2D8_v2, own->buffer, 128, 1, 1 + many % 100, 5); break;
    case 5: OK(cuMemsetD2D32Async, own->buffer, 128, 1, 1 + many % 30, 9, own->stream); break;
    }
}

static void launch(struct own *own)
{
    attribute together = {.kind = 2, .value = {1}};
    config plain = {{1, 1, 1}, {1, 1, 1}, 0, own->stream, NULL, 0};
    config cooperative = {{1, 1, 1}, {1, 1, 1}, 0, own->stream, &together, 1};
    switch (next(own) % 8) {
    case 0: case 1: OK(cuLaunchKernel, kernel, 1, 1, 1, 1, 1, 1, 0, own->stream, NULL, NULL); break;
    case 2: OK(cuLaunchKernel_ptsz, kernel, 1, 1, 1, 1, 1, 1, 0, 0, NULL, NULL); break;
    case 3: OK(cuLaunchCooperativeKernel, kernel, 1, 1, 1, 1, 1, 1, 0, own->stream, NULL); break;
    case 4: OK(cuLaunchKernelEx, &plain, kernel, NULL, NULL); break;
    case 5: OK(cuLaunchKernelEx, &cooperative, kernel, NULL, NULL); break;
    case 6: OK(cuLaunchGridAsync, kernel, 1, 1, own->stream); break;
    case 7: NOT(cuLaunchKernel, kernel, 0, 1, 1, 1, 1, 1, 0, own->stream, NULL, NULL); break;
    }
}

static void wait_for(struct own *own)
{
    switch (next(own) % 4) {
    case 0: OK(cuStreamSynchronize, own->stream); break;
    case 1: OK(cuEventRecord, own->event, own->stream); OK(cuEventSynchronize, own->event); break;
    case 2: case 3:
        /* Waiting for a context breaks what is captured there. */
        pthread_rwlock_rdlock(&captures);
        if (next(own) % 2) OK(cuCtxSynchronize); else OK(cuCtxSynchronize_v2, context);
        pthread_rwlock_unlock(&captures);
        break;
    }
}

/* What only one thread does: graphs that others launch stay as they are. */
static void of_process(struct own *own)
{
    handle graph, captured, other;
    switch (next(own) % 5) {
    case 0:
        pthread_rwlock_wrlock(&captures);
        OK(cuStreamBeginCapture_v2, own->stream, 2);
        OK(cuLaunchKernel, kernel, 1, 1, 1, 1, 1, 1, 0, own->stream, NULL, NULL);
        OK(cuMemcpyDtoDAsync_v2, own->buffer, own->buffer + 512, 256, own->stream);
        OK(cuMemsetD8Async, own->buffer, 0, 8, own->stream);
        OK(cuGraphLaunch, exec, own->stream);
        OK(cuLaunchKernel, kernel, 1, 1, 1, 1, 1, 1, 0, own->stream, NULL, NULL);
        OK(cuStreamEndCapture, own->stream, &graph);
        pthread_rwlock_unlock(&captures);
        OK(cuGraphInstantiateWithFlags, &captured, graph, 0);
        OK(cuGraphLaunch, captured, own->stream);
        OK(cuGraphUpload, captured, own->stream);
        OK(cuStreamSynchronize, own->stream);
        OK(cuGraphExecDestroy, captured);
        OK(cuGraphDestroy, graph);
        break;
    case 1: OK(cuModuleLoadData, &other, CODE); OK(cuModuleUnload, other); break;
    case 2: OK(cuLibraryLoadData, &other, CODE, NULL, NULL, 0, NULL, NULL, 0); OK(cuLibraryUnload, other); break;
    case 3: NOT(cuModuleLoadData, &other, "nothing"); break;
    case 4: OK(cuGraphNodeSetEnabled, child_exec, node, next(own) % 2); OK(cuGraphLaunch, child_exec, own->stream); break;
    }
}

static void *thread(void *number)
{
    struct own own = {.random = seed * 1000003 + (uint64_t)number * 7919 + 88172645463325252ull};
    array_2d shape = {2048, 1, 0x01, 1};
    OK(cuCtxSetCurrent, context);
    OK(cuStreamCreate, &own.stream, 1);
    OK(cuEventCreate, &own.event, 2);
    OK(cuMemAlloc_v2, &own.buffer, BUFFER);
    OK(cuMemAllocHost_v2, (void **)&own.host, BUFFER);
    OK(cuArrayCreate_v2, &own.array, &shape);
    for (uint64_t done = 0; done < operations / PROCESSES / THREADS; done++) {
        uint64_t what = next(&own) % 64;
        if (what < 20) launch(&own);
        else if (what < 38) copy(&own);
        else if (what < 48) fill(&own);
        else if (what < 54) take_and_give(&own);
        else if (what < 58) wait_for(&own);
        else if (what < 63 || (uint64_t)number % THREADS) OK(cuGraphLaunch, exec, own.stream);
        else of_process(&own);
    }
    OK(cuStreamSynchronize, own.stream);
    OK(cuMemFree_v2, own.buffer);
    OK(cuArrayDestroy, own.array);
    return NULL;
}

/* Two kernels and a child of one, and an empty one for the rest. */
static void graphs(void)
{
    handle graph, inner, first;
    struct { handle function; unsigned grid[3], block[3], shared; void *arguments, *extra; handle kernel, context; } of = {
        kernel, {1, 1, 1}, {1, 1, 1}, 0, NULL, NULL, 0, 0};
    extern int cuGraphAddKernelNode_v2(handle *, handle, const handle *, size_t, const void *);
    OK(cuGraphCreate, &inner, 0);
    OK(cuGraphAddKernelNode_v2, &first, inner, NULL, 0, &of);
    OK(cuGraphCreate, &graph, 0);
    OK(cuGraphAddKernelNode_v2, &node, graph, NULL, 0, &of);
    OK(cuGraphAddKernelNode_v2, &first, graph, &node, 1, &of);
    OK(cuGraphAddChildGraphNode, &first, graph, NULL, 0, inner);
    OK(cuGraphInstantiateWithFlags, &exec, graph, 0);
    OK(cuGraphInstantiateWithFlags, &child_exec, graph, 0);
}

int main(int count, char **arguments)
{
    operations = strtoull(arguments[1], NULL, 10), seed = strtoull(arguments[2], NULL, 10);
    if (count < 3) return 2;
    for (uint64_t process = 0; process < PROCESSES; process++) {
        if (fork() != 0) continue;
        pthread_t threads[THREADS];
        handle second;
        OK(cuInit, 0);
        OK(cuDevicePrimaryCtxRetain, &context, 0);
        OK(cuCtxSetCurrent, context);
        OK(cuModuleLoadData, &module, CODE);
        OK(cuModuleGetFunction, &kernel, module, "k");
        OK(cuFuncSetBlockShape, kernel, 1, 1, 1);
        graphs();
        for (uint64_t at = 0; at < THREADS; at++)
            pthread_create(&threads[at], NULL, thread, (void *)(process * THREADS + at));
        for (uint64_t at = 0; at < THREADS; at++) pthread_join(threads[at], NULL);
        OK(cuCtxCreate_v2, &second, 0, 0);
        OK(cuCtxDestroy_v2, second);
        OK(cuDevicePrimaryCtxRelease_v2, 0);
        exit(0);
    }
    for (int process = 0, status; process < PROCESSES; process++)
        if (wait(&status) < 0 || status != 0) return 1;
    return 0;
}
