/* green ROW: parts of a primary context's SMs. They have its memory, and it lives while they do. */
#include "fill.h"

static handle held[MOST], green, primary, part;

/* A green context, and what it is called as a context. */
static handle new_green(void)
{
    sms all;
    void *wanted = NULL;
    OK(cuDeviceGetDevResource, 0, &all, 1);
    OK(cuDevResourceGenerateDesc, &wanted, &all, 1);
    OK(cuGreenCtxCreate, &green, wanted, 0, 1);
    OK(cuCtxFromGreenCtx, &part, green);
    return part;
}

static int take(int piece) { return (void)piece, ASK(cuMemAlloc_v2, &held[0], 4 * MIB); }

/* The first piece to be given is the last: the primary context goes, and all that is in it. */
static int destroy_at_last(int piece)
{
    if (piece)
        return 0;
    OK(cuGreenCtxDestroy, green);
    OK(cuCtxSetCurrent, new_green());
    return 0;
}

/* Nobody but the green context uses the primary one. */
static void alone(void)
{
    OK(cuCtxSetCurrent, new_green());
    fill_and_refill(&(struct way){4 * MIB, take, destroy_at_last});
}

static int reset_at_last(int piece)
{
    if (piece)
        return 0;
    OK(cuCtxSetCurrent, primary);
    OK(cuDevicePrimaryCtxReset_v2, 0);
    OK(cuGreenCtxDestroy, green);
    OK(cuCtxSetCurrent, new_green());
    return 0;
}

static void reset(void)
{
    OK(cuDevicePrimaryCtxRetain, &primary, 0);
    OK(cuCtxSetCurrent, new_green());
    fill_and_refill(&(struct way){4 * MIB, take, reset_at_last});
}

static int take_small(int piece)
{
    held[piece] = 0;
    OK(cuCtxSetCurrent, piece % 2 ? primary : part);
    return ASK(cuMemAlloc_v2, &held[piece], 512 * KIB);
}

static int give_small(int piece) { return ASK(cuMemFree_v2, held[piece]); }

/* Small requests of both share pages. */
static void pages(void)
{
    OK(cuDevicePrimaryCtxRetain, &primary, 0);
    new_green();
    OK(cuCtxSetCurrent, part);
    fill_and_refill(&(struct way){512 * KIB, take_small, give_small});
    OK(cuGreenCtxDestroy, green);
}

/* CUOTA_SIM_CONTEXT_BYTES is 20 MiB: the primary context takes as much when the green one brings it to life. */
static void context(void)
{
    handle own = 0;
    OK(cuCtxCreate_v2, &own, 0, 0);
    expect_used(20 * MIB, "one's own");
    new_green();
    expect_used(40 * MIB, "with a green one");
    OK(cuGreenCtxDestroy, green);
    expect_used(20 * MIB, "without it again");
    OK(cuCtxSetCurrent, new_green());
    fill_and_refill(&(struct way){4 * MIB, take, destroy_at_last});
}

ROWS({"green", alone}, {"green-reset", reset}, {"green-pages", pages}, {"green-context", context})
