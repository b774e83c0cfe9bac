/* linear ROW [fault|keep]: memory allocated at once: plain, pitched, managed. */
#include "fill.h"
#include <dlfcn.h>

static size_t bytes, rows, host_flag;
static dptr held[MOST];

static int take_plain(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], bytes);
}

static int take_pitched(int piece)
{
    size_t pitch = 0;
    held[piece] = 0;
    return ASK(cuMemAllocPitch_v2, &held[piece], &pitch, bytes, rows, 4);
}

/* Brought onto the card too, so that what is charged is really held. */
static int take_managed(int piece)
{
    held[piece] = 0;
    int code = ASK(cuMemAllocManaged, &held[piece], bytes, host_flag ? 2 : 1);
    return code ? code : ASK(cuMemPrefetchAsync, held[piece], bytes, 0, 0);
}

static int give(int piece)
{
    return ASK(cuMemFree_v2, held[piece]);
}

static int give_async(int piece)
{
    return ASK(cuMemFreeAsync, held[piece], 0);
}

static void wait(void)
{
    OK(cuCtxSynchronize);
}

static void sized(int (*take)(int), size_t wanted, size_t height, size_t charge)
{
    in_primary();
    bytes = wanted, rows = height;
    fill_and_refill(&(struct way){charge, take, give});
}

static void plain(void) { sized(take_plain, 3 * MIB, 0, 4 * MIB); }
static void small(void) { sized(take_plain, 1000, 0, 1024); }
static void largest_small(void) { sized(take_plain, MIB, 0, MIB); }
static void smallest_large(void) { sized(take_plain, MIB + 1, 0, 2 * MIB); }
static void whole(void) { sized(take_plain, 64 * MIB, 0, 64 * MIB); }
static void pitched(void) { sized(take_pitched, 1000, 3000, 4 * MIB); }
static void pitched_odd(void) { sized(take_pitched, 513, 64, 64 * KIB); }
static void pitched_thin(void) { sized(take_pitched, 1, 2048, MIB); }
static void pitched_exact(void) { sized(take_pitched, 4096, 1024, 4 * MIB); }
static void managed(void) { sized(take_managed, 3 * MIB, 0, 4 * MIB); }
static void managed_host(void) { host_flag = 1, managed(); }

/* The card has less than the quota: then the driver refuses, and its word is passed on. */
static void smaller_card(void) { drivers_own = 1, plain(); }

static void freed_in_order(void)
{
    in_primary();
    bytes = 3 * MIB;
    fill_and_refill(&(struct way){4 * MIB, take_plain, give_async, wait});
}

/* The host's memory is nobody's quota, even when that is full. */
static void host(void)
{
    static char own[8192] __attribute__((aligned(4096)));
    in_primary();
    dptr all = 0;
    void *a = NULL, *b = NULL;
    OK(cuMemAlloc_v2, &all, total());
    size_t full = used();
    OK(cuMemAllocHost_v2, &a, 64 * MIB);
    OK(cuMemHostAlloc, &b, 64 * MIB, 2);
    OK(cuMemHostRegister_v2, own, sizeof own, 0);
    expect_used(full, "with host memory");
    OK(cuMemHostUnregister, own);
    OK(cuMemFreeHost, a);
    OK(cuMemFreeHost, b);
    expect_used(full, "without it again");
    OK(cuMemFree_v2, all);
    bytes = 3 * MIB;
    fill_and_refill(&(struct way){4 * MIB, take_plain, give});
}

/* NVML says of the card what the driver says. */
static void view(void)
{
    struct { uint64_t total, left, used; } v1 = {0};
    struct { uint32_t version; uint64_t total, reserved, left, used; } v2 = {sizeof v2 | 2 << 24};
    void *nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW), *card = NULL;
    int (*init)(void) = (int (*)(void))dlsym(nvml, "nvmlInit_v2");
    int (*by_index)(unsigned, void **) = (int (*)(unsigned, void **))dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2");
    int (*info)(void *, void *) = (int (*)(void *, void *))dlsym(nvml, "nvmlDeviceGetMemoryInfo");
    int (*info2)(void *, void *) = (int (*)(void *, void *))dlsym(nvml, "nvmlDeviceGetMemoryInfo_v2");
    if (!init || init() || by_index(0, &card))
        FAIL("no NVML");
    in_primary();
    bytes = 3 * MIB;
    for (int piece = 0; piece < 3; piece++) {
        if (info(card, &v1) || info2(card, &v2))
            FAIL("no memory information");
        size_t now = used(), all = total();
        if (v1.total != all || v1.used != now || v1.left != all - now)
            FAIL("NVML v1: %lu %lu %lu, the driver %zu %zu", v1.total, v1.left, v1.used, all, now);
        if (v2.total != all || v2.left != all - now || v2.used + v2.reserved != now)
            FAIL("NVML v2: %lu %lu %lu, the driver %zu %zu", v2.total, v2.left, v2.used, all, now);
        take_plain(piece);
    }
    for (int piece = 0; piece < 3; piece++)
        give(piece);
    fill_and_refill(&(struct way){4 * MIB, take_plain, give});
}

ROWS({"linear", plain}, {"linear-small", small}, {"linear-largest-small", largest_small},
     {"linear-smallest-large", smallest_large}, {"linear-whole", whole}, {"pitched", pitched},
     {"pitched-odd", pitched_odd}, {"pitched-thin", pitched_thin}, {"pitched-exact", pitched_exact},
     {"managed", managed}, {"managed-host", managed_host}, {"linear-freed-in-order", freed_in_order},
     {"smaller-card", smaller_card}, {"host", host}, {"view", view})
