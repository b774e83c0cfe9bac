/* own ROW [fault|keep]: contexts, what they own, and their heaps and stacks. */
#include "fill.h"

static handle held[MOST];
static int version;

static int take_context(int piece)
{
    held[piece] = 0;
    return version == 4 ? ASK(cuCtxCreate_v4, &held[piece], NULL, 0, 0) : ASK(cuCtxCreate_v2, &held[piece], 0, 0);
}

static int give_context(int piece) { return ASK(cuCtxDestroy_v2, held[piece]); }

/* CUOTA_SIM_CONTEXT_BYTES is 20 MiB: the first is measured, the others are charged as much up front. */
static void contexts(void) { fill_and_refill(&(struct way){20 * MIB, take_context, give_context, .contextless = 1}); }
static void contexts_v4(void) { version = 4, contexts(); }

/* One of each kind a context owns: 10 MiB. */
static int take_owned(void)
{
    array_3d shape = {512, 512, 0, 1, 4, 0};
    dptr at = 0;
    handle array = 0;
    size_t pitch = 0;
    int code = ASK(cuMemAlloc_v2, &at, 2 * MIB);
    code = code ? code : ASK(cuMemAllocPitch_v2, &at, &pitch, 1000, 2048, 4);
    code = code ? code : ASK(cuMemAllocManaged, &at, 2 * MIB, 1);
    code = code ? code : ASK(cuMipmappedArrayCreate, &array, &shape, 9);
    shape.width = 1024;
    return code ? code : ASK(cuArray3DCreate_v2, &array, &shape);
}

static int take_full_context(int piece)
{
    int code = take_context(piece);
    if (!code && (code = take_owned())) {
        OK(cuCtxDestroy_v2, held[piece]);
        if (piece > 0)
            OK(cuCtxSetCurrent, held[piece - 1]);
    }
    return code;
}

static void context_owned(void)
{
    fill_and_refill(&(struct way){10 * MIB, take_full_context, give_context, .contextless = 1});
}

static int take_in_primary(int piece) { return (void)piece, ASK(cuMemAlloc_v2, &held[0], 4 * MIB); }

/* The first piece to be given is the last: the context goes, and all of them with it. */
static int reset_at_last(int piece)
{
    if (piece)
        return 0;
    OK(cuDevicePrimaryCtxReset_v2, 0);
    in_primary();
    return 0;
}

static int release_at_last(int piece)
{
    if (piece)
        return 0;
    OK(cuDevicePrimaryCtxRelease_v2, 0);
    in_primary();
    return 0;
}

static void primary_reset(void) { in_primary(), fill_and_refill(&(struct way){4 * MIB, take_in_primary, reset_at_last}); }
static void primary_released(void) { in_primary(), fill_and_refill(&(struct way){4 * MIB, take_in_primary, release_at_last}); }

static void end_lost(int code, size_t before, const char *how)
{
    if (code != LOST)
        FAIL("%s answered %d", how, code);
    expect_used(before, how);
}

/* What ends with the error of a fault has ended: CUOTA_SIM_FAULT has the first of each way answer so when it is done. */
static void lost(void)
{
    in_primary();
    size_t before = used();
    OK(take_context, 0);
    OK(take_owned);
    end_lost(give_context(0), before, "destroyed");
    OK(take_context, 0);
    OK(take_owned);
    end_lost(ASK(cuCtxDetach, held[0]), before, "detached");
    OK(take_owned);
    int code = ASK(cuDevicePrimaryCtxReset_v2, 0);
    in_primary();
    end_lost(code, before, "reset");
    OK(cuDevicePrimaryCtxRelease_v2, 0);
    OK(take_owned);
    code = ASK(cuDevicePrimaryCtxRelease_v2, 0);
    in_primary();
    end_lost(code, before, "released");
    fill_and_refill(&(struct way){4 * MIB, take_in_primary, reset_at_last});
}

static unsigned limit;
static size_t initial, step;

static int take_limit(int piece) { return ASK(cuCtxSetLimit, limit, initial + (piece + 1) * step); }
static int give_limit(int piece) { return ASK(cuCtxSetLimit, limit, initial + piece * step); }

/* What a context begins with is its own; what is added to it is charged. */
static void limits(unsigned which, size_t by, size_t charge)
{
    limit = which, step = by;
    OK(cuCtxGetLimit, &initial, limit);
    fill_and_refill(&(struct way){charge, take_limit, give_limit});
    size_t before = used();
    OK(cuCtxSetLimit, limit, initial + step);
    OK(cuCtxSetLimit, limit, initial + step);
    expect_used(before + charge, "set twice");
    OK(cuCtxSetLimit, limit, initial / 2);
    expect_used(before, "less than at first");
    OK(cuCtxSetLimit, limit, initial + step);
    OK(cuDevicePrimaryCtxReset_v2, 0);
    in_primary();
    expect_used(before, "the context was reset");
}

static void heap(void) { in_primary(), limits(2, 4 * MIB, 4 * MIB); }
static void fifo(void) { in_primary(), limits(1, 2 * MIB, 2 * MIB); }

static void stack(void)
{
    int sms = 0, threads = 0;
    in_primary();
    OK(cuDeviceGetAttribute, &sms, 16, 0);
    OK(cuDeviceGetAttribute, &threads, 39, 0);
    limits(0, 16, (size_t)16 * sms * threads);
}

ROWS({"context", contexts}, {"context-v4", contexts_v4}, {"context-owned", context_owned}, {"primary-reset", primary_reset},
     {"primary-released", primary_released}, {"context-lost", lost}, {"limit-heap", heap}, {"limit-fifo", fifo}, {"limit-stack", stack})
