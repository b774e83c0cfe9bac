/* elsewhere ROW: memory of device 1, asked for in a context of device 0: it is where it is said to be. */
#include "fill.h"

static handle held[MOST], contexts[2], pool, stream;
static dptr at[MOST];

/* Whose figures are asked for is the current context's. */
static void on(int device) { OK(cuCtxSetCurrent, contexts[device]); }

static int seen_from_here(int code)
{
    expect_used(0, "on the other device");
    on(1);
    return code;
}

static int take_vmm(int piece)
{
    allocation kind = {.kind = PINNED, .where = {ON_DEVICE, 1}};
    on(0);
    return seen_from_here(ASK(cuMemCreate, &held[piece], 4 * MIB, &kind, 0));
}

static int give_vmm(int piece)
{
    on(0);
    return seen_from_here(ASK(cuMemRelease, held[piece]));
}

static int take_pooled(int piece)
{
    on(0);
    return seen_from_here(ASK(cuMemAllocFromPoolAsync, &at[piece], 8 * MIB, pool, stream));
}

static int give_pooled(int piece)
{
    on(0);
    return seen_from_here(ASK(cuMemFreeAsync, at[piece], stream));
}

static void trim(void)
{
    OK(cuStreamSynchronize, stream);
    OK(cuMemPoolTrimTo, pool, 0);
}

static void both(void)
{
    for (int device = 0; device < 2; device++)
        OK(cuDevicePrimaryCtxRetain, &contexts[device], device);
    on(0);
    OK(cuStreamCreate, &stream, 1);
    on(1);
}

static void vmm(void)
{
    both();
    fill_and_refill(&(struct way){4 * MIB, take_vmm, give_vmm});
}

static void pooled(void)
{
    pool_kind kind = {.kind = PINNED, .where = {ON_DEVICE, 1}};
    both();
    OK(cuMemPoolCreate, &pool, &kind);
    fill_and_refill(&(struct way){8 * MIB, take_pooled, give_pooled, trim});
}

ROWS({"vmm-elsewhere", vmm}, {"pool-elsewhere", pooled})
