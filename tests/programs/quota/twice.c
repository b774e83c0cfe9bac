/* twice ROW: what another thread frees in the same moment is charged no longer, though this one is told that
 * there is no such thing (CUOTA_SIM_FAULT has the first of each kind answer so when it is done). */
#include "fill.h"

enum { SIZE = 4 << 20 };
static dptr held[MOST];
static handle memory[MOST], arrays[MOST], stream;

#define LATE(f, ...)                              \
    do {                                          \
        if (!ASK(f, __VA_ARGS__))                 \
            FAIL("%s is not told", #f);           \
    } while (0)

static int take(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], SIZE);
}

static int give(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static void linear(void)
{
    dptr large = 0, small = 0, in_order = 0;
    in_primary();
    size_t before = used();
    OK(cuMemAlloc_v2, &large, SIZE);
    LATE(cuMemFree_v2, large);
    expect_used(before, "large");
    OK(cuMemAlloc_v2, &small, 1000);
    LATE(cuMemFree_v2, small);
    expect_used(before, "small");
    OK(cuMemAlloc_v2, &in_order, SIZE);
    LATE(cuMemFreeAsync, in_order, 0);
    expect_used(before, "in order");
    fill_and_refill(&(struct way){SIZE, take, give});
}

static int take_async(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAllocAsync, &held[piece], SIZE, stream);
}

static int give_async(int piece) { return ASK(cuMemFreeAsync, held[piece], stream); }
static void synchronize(void) { OK(cuStreamSynchronize, stream); }

static void pooled(void)
{
    pool_kind kind = {.kind = PINNED, .where = {ON_DEVICE, 0}};
    handle pool = 0;
    dptr one = 0, none = 0;
    in_primary();
    OK(cuStreamCreate, &stream, 1);
    LATE(cuMemFreeAsync, none, stream);
    size_t before = used();
    OK(cuMemPoolCreate, &pool, &kind);
    OK(cuMemAllocFromPoolAsync, &one, SIZE, pool, stream);
    OK(cuMemFreeAsync, one, stream);
    LATE(cuMemPoolDestroy, pool);
    synchronize();
    expect_used(before, "pool");
    fill_and_refill(&(struct way){SIZE, take_async, give_async, synchronize});
}

static int create(int piece)
{
    allocation kind = {.kind = PINNED, .where = {ON_DEVICE, 0}};
    memory[piece] = 0;
    return ASK(cuMemCreate, &memory[piece], SIZE, &kind, 0);
}

static int release(int piece) { return ASK(cuMemRelease, memory[piece]); }

static void released(void)
{
    in_primary();
    size_t before = used();
    OK(create, 0);
    LATE(cuMemRelease, memory[0]);
    expect_used(before, "released");
    fill_and_refill(&(struct way){SIZE, create, release});
}

static void unmapped(void)
{
    dptr at = 0;
    in_primary();
    size_t before = used();
    LATE(cuMemRelease, 0);
    OK(create, 0);
    OK(cuMemAddressReserve, &at, SIZE, 0, 0, 0);
    OK(cuMemMap, at, SIZE, 0, memory[0], 0);
    OK(cuMemRelease, memory[0]);
    LATE(cuMemUnmap, at, SIZE);
    expect_used(before, "unmapped");
    OK(cuMemAddressFree, at, SIZE);
    fill_and_refill(&(struct way){SIZE, create, release});
}

static int take_array(int piece)
{
    array_3d shape = {1024, 1024, 0, 1, 4, 0};
    arrays[piece] = 0;
    return ASK(cuArray3DCreate_v2, &arrays[piece], &shape);
}

static int give_array(int piece) { return ASK(cuArrayDestroy, arrays[piece]); }

static void array(void)
{
    array_3d shape = {1024, 1024, 0, 1, 4, 0};
    handle mipmap = 0;
    in_primary();
    size_t before = used();
    OK(take_array, 0);
    LATE(cuArrayDestroy, arrays[0]);
    expect_used(before, "array");
    OK(cuMipmappedArrayCreate, &mipmap, &shape, 1);
    LATE(cuMipmappedArrayDestroy, mipmap);
    expect_used(before, "mipmap");
    fill_and_refill(&(struct way){SIZE, take_array, give_array});
}

ROWS({"linear-freed-twice", linear}, {"pool-destroyed-twice", pooled}, {"vmm-released-twice", released},
     {"vmm-unmapped-twice", unmapped}, {"array-destroyed-twice", array})
