// A driver that hands out addresses and does nothing else: what is left of an allocation is the way to
// it and its accounting. Small blocks lie together, as a driver packs them; they are all of one size.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DIRECT(name) extern __typeof(name) direct_##name __attribute__((alias(#name)));
typedef unsigned long long address;
enum { SMALL = 1 << 20, PAGE = 2 << 20 };
#define LARGE_BASE 0x100000000000ull

// What this thread was given back, and where it takes new blocks: small ones, then large ones.
static __thread struct { address *free, next; size_t count, room; } own[2];
static _Atomic address stretch[2] = {0x10000000000ull, LARGE_BASE};

int cuMemAlloc_v2(address *out, size_t bytes) {
    int large = bytes > SMALL;
    if (own[large].count > 0) return *out = own[large].free[--own[large].count], 0;
    address step = large ? 1ull << 42 : 1ull << 40;
    if (own[large].next % step == 0) own[large].next = atomic_fetch_add(&stretch[large], step);
    return *out = own[large].next, own[large].next += large ? PAGE : bytes, 0;
}
DIRECT(cuMemAlloc_v2)

int cuMemFree_v2(address at) {
    int large = at >= LARGE_BASE;
    if (own[large].count == own[large].room) {
        own[large].room = own[large].room * 2 + 1024;
        own[large].free = realloc(own[large].free, own[large].room * sizeof(address));
    }
    return own[large].free[own[large].count++] = at, 0;
}
DIRECT(cuMemFree_v2)

int cuMemGetInfo_v2(size_t *free, size_t *total) { return *free = 1ull << 46, *total = 1ull << 47, 0; }
DIRECT(cuMemGetInfo_v2)

int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *count) { return *count = 1, 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetUuid(void *uuid, int device) { return memcpy(uuid, "a card for bench", 16), 0; }
int cuDeviceGetUuid_v2(void *uuid, int device) { return cuDeviceGetUuid(uuid, device); }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return *bytes = 1ull << 47, 0; }
int cuCtxGetCurrent(void **context) { return *context = (void *)0x1000, 0; }
int cuCtxGetDevice(int *device) { return *device = 0, 0; }
