/* misuse ROW: what is none of ours, or no longer, gives nothing back; what cannot be had costs nothing. */
#include "fill.h"

static dptr held[MOST];
static handle arrays[MOST], stream;

static int take(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], 3 * MIB);
}

static int give(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static void linear(void)
{
    in_primary();
    dptr one = 0, none = 0;
    OK(cuMemAlloc_v2, &one, 4 * MIB);
    size_t with = used();
    const dptr wrong[] = {0, one + 512, one + MIB, 0x1234000};
    for (int at = 0; at < 4; at++) {
        ASK(cuMemFree_v2, wrong[at]);
        if (wrong[at] && !ASK(cuMemFreeAsync, wrong[at], 0))
            FAIL("%#lx could be freed", (long)wrong[at]);
        expect_used(with, "freed what is none");
    }
    if (ASK(cuMemAlloc_v2, &none, 0) != 1 || ASK(cuMemAlloc_v2, NULL, MIB) != 1)
        FAIL("an allocation of nothing, or for nobody, is the driver's to refuse");
    for (int off = 0; off < 3; off++)
        if (ASK(cuMemAlloc_v2, &none, SIZE_MAX - off * 512) != OUT_OF_MEMORY || none)
            FAIL("more than there are addresses was had");
    expect_used(with, "refused");
    OK(cuMemFree_v2, one);
    expect_used(with - 4 * MIB, "freed");
    if (!ASK(cuMemFree_v2, one))
        FAIL("freed twice");
    expect_used(with - 4 * MIB, "freed twice");
    fill_and_refill(&(struct way){4 * MIB, take, give});
}

static int take_async(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAllocAsync, &held[piece], 8 * MIB, stream);
}

static int give_async(int piece) { return ASK(cuMemFreeAsync, held[piece], stream); }
static void synchronize(void) { OK(cuStreamSynchronize, stream); }

static void pooled(void)
{
    pool_kind kind = {.kind = PINNED, .where = {ON_DEVICE, 0}}, nowhere = {.kind = PINNED, .where = {ON_DEVICE, 99}};
    handle gone = 0;
    dptr none = 0;
    in_primary();
    OK(cuStreamCreate, &stream, 1);
    OK(take_async, 0);
    OK(take_async, 1);
    size_t with = used();
    OK(cuMemPoolCreate, &gone, &kind);
    OK(cuMemPoolDestroy, gone);
    if (!ASK(cuMemPoolCreate, &gone, &nowhere) || !ASK(cuMemAllocFromPoolAsync, &none, MIB, gone, stream) || none)
        FAIL("no such device, no such pool");
    if (ASK(cuMemAllocAsync, &none, 0, stream) != 1 || !ASK(cuMemFreeAsync, held[0] + 512, stream))
        FAIL("an allocation of nothing, or freed within");
    expect_used(with, "refused");
    OK(give_async, 0);
    if (!give_async(0) || !give(0))
        FAIL("freed twice");
    expect_used(with, "freed twice, the chunk in use");
    OK(give_async, 1);
    synchronize();
    expect_used(0, "freed");
    fill_and_refill(&(struct way){8 * MIB, take_async, give_async, synchronize});
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
    const array_3d wrong[] = {{0, 0, 0, 1, 4, 0}, {64, 64, 0, 7, 4, 0}, {64, 64, 5, 1, 4, 4}, {1 << 30, 1 << 30, 0, 1, 4, 0}};
    in_primary();
    OK(take_array, 0);
    size_t with = used();
    for (int at = 0; at < 4; at++)
        if (!ASK(cuArray3DCreate_v2, &arrays[1], &wrong[at]) || !ASK(cuMipmappedArrayCreate, &arrays[1], &wrong[at], 3))
            FAIL("shape %d could be made", at);
    if (!ASK(cuArray3DCreate_v2, NULL, &wrong[0]) || !ASK(cuArray3DCreate_v2, &arrays[1], NULL))
        FAIL("an array for nobody, or of nothing");
    if (!ASK(cuMipmappedArrayDestroy, arrays[0]))
        FAIL("an array is no mipmap");
    expect_used(with, "refused");
    OK(give_array, 0);
    if (!give_array(0))
        FAIL("destroyed twice");
    expect_used(with - 4 * MIB, "destroyed twice");
    fill_and_refill(&(struct way){4 * MIB, take_array, give_array});
}

/* With no room for anything: what is no good, or for nobody, is the driver's to refuse. */
static void ask_wrongly(void)
{
    const allocation kind = {.kind = PINNED, .where = {ON_DEVICE, 0}};
    enum { VALUE = 1, HANDLE = 400, NO_HANDLE = 0x1230 };
    dptr none = 0;
    handle memory = 0;
    size_t pitch = 0, with = used();
    const struct { const char *what; int wanted, code; } said[] = {
        {"for nobody", VALUE, ASK(cuMemAlloc_v2, NULL, 4 * MIB)},
        {"little, for nobody", VALUE, ASK(cuMemAlloc_v2, NULL, 1000)},
        {"rows for nobody", VALUE, ASK(cuMemAllocPitch_v2, NULL, &pitch, 2000, 2000, 4)},
        {"few rows for nobody", VALUE, ASK(cuMemAllocPitch_v2, NULL, &pitch, 20, 20, 4)},
        {"rows of unsaid length", VALUE, ASK(cuMemAllocPitch_v2, &none, NULL, 2000, 2000, 4)},
        {"elements of 3", VALUE, ASK(cuMemAllocPitch_v2, &none, &pitch, 2000, 2000, 3)},
        {"few elements of 3", VALUE, ASK(cuMemAllocPitch_v2, &none, &pitch, 20, 20, 3)},
        {"managed, for nobody", VALUE, ASK(cuMemAllocManaged, NULL, 4 * MIB, 1)},
        {"managed by nobody", VALUE, ASK(cuMemAllocManaged, &none, 4 * MIB, 0)},
        {"managed by all", VALUE, ASK(cuMemAllocManaged, &none, 4 * MIB, 3)},
        {"physical, for nobody", VALUE, ASK(cuMemCreate, NULL, 4 * MIB, &kind, 0)},
        {"part of a page", VALUE, ASK(cuMemCreate, &memory, 4 * MIB + 1, &kind, 0)},
        {"unknown flags", VALUE, ASK(cuMemCreate, &memory, 4 * MIB, &kind, 1)},
        {"of the pool, for nobody", VALUE, ASK(cuMemAllocAsync, NULL, 4 * MIB, 0)},
        {"in no stream", HANDLE, ASK(cuMemAllocAsync, &none, 4 * MIB, NO_HANDLE)},
        {"of no pool", VALUE, ASK(cuMemAllocFromPoolAsync, &none, 4 * MIB, NO_HANDLE, 0)},
        {"of no pool, in no stream", HANDLE, ASK(cuMemAllocFromPoolAsync, &none, 4 * MIB, NO_HANDLE, NO_HANDLE)},
    };
    for (size_t at = 0; at < sizeof said / sizeof *said; at++)
        if (said[at].code != said[at].wanted)
            FAIL("%s: answered %d, not %d", said[at].what, said[at].code, said[at].wanted);
    if (none || memory)
        FAIL("something was given");
    expect_used(with, "asked wrongly");
}

static void invalid(void)
{
    in_primary();
    fill_and_refill(&(struct way){4 * MIB, take, give, .filled = ask_wrongly});
}

ROWS({"invalid", invalid}, {"linear-misuse", linear}, {"pool-misuse", pooled}, {"array-misuse", array})
