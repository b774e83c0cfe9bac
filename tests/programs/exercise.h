/* The same few driver calls, however their addresses were come by. */
#ifndef EXERCISE_H
#define EXERCISE_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t dptr;
typedef int result;

/* How to get at a driver function: name as exported, name and version as cuGetProcAddress wants. */
typedef void *(*finder)(const char *exported, const char *base, int version);

#define CALL(name, base, version, types, ...)                                   \
    do {                                                                        \
        result(*f) types = (result(*) types)find(#name, base, version);         \
        result status = f ? f(__VA_ARGS__) : -1;                                \
        if (status) {                                                        \
            fprintf(stderr, "%s: %d\n", #name, status);                         \
            return 1;                                                           \
        }                                                                       \
    } while (0)

static inline int exercise(finder find)
{
    int count = 0, device = -1;
    void *context = NULL;
    dptr a = 0, b = 0;
    size_t free_bytes = 0, total = 0;
    char text[64] = "twelve bytes";
    CALL(cuInit, "cuInit", 2000, (unsigned), 0);
    for (int i = 0; i < 3; i++)
        CALL(cuDeviceGetCount, "cuDeviceGetCount", 2000, (int *), &count);
    CALL(cuDeviceGet, "cuDeviceGet", 2000, (int *, int), &device, 0);
    CALL(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", 7000, (void **, int), &context, device);
    CALL(cuCtxSetCurrent, "cuCtxSetCurrent", 4000, (void *), context);
    CALL(cuMemAlloc_v2, "cuMemAlloc", 3020, (dptr *, size_t), &a, 4096);
    CALL(cuMemAlloc_v2, "cuMemAlloc", 3020, (dptr *, size_t), &b, 1 << 20);
    CALL(cuMemGetInfo_v2, "cuMemGetInfo", 3020, (size_t *, size_t *), &free_bytes, &total);
    CALL(cuMemcpyHtoD_v2, "cuMemcpyHtoD", 3020, (dptr, const void *, size_t), a, text, sizeof text);
    CALL(cuMemsetD8_v2, "cuMemsetD8", 3020, (dptr, unsigned char, size_t), b, 7, 100);
    CALL(cuMemFree_v2, "cuMemFree", 3020, (dptr), a);
    CALL(cuMemFree_v2, "cuMemFree", 3020, (dptr), b);
    printf("%d device(s), %zu of %zu bytes free\n", count, free_bytes, total);
    return 0;
}
#endif
