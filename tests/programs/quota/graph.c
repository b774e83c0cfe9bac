/* graph ROW [fault|keep]: allocations that outlive their graph's run, by every way to make and start one. */
#include "graph.h"

static int free_in_order_then_drop(int piece)
{
    int code = ASK(cuMemFreeAsync, held[piece], stream);
    if (!code)
        drop(piece);
    return code;
}

static void plain(void) { run_with(take, free_then_drop); }
static void in_order(void) { run_with(take, free_in_order_then_drop); }
static void ptsz(void) { per_thread = 1, run_with(take, free_then_drop); }
static void any(void) { how = ANY, run_with(take, free_then_drop); }
static void any_v2(void) { how = ANY_V2, run_with(take, free_then_drop); }
static void any_v3(void) { how = ANY_V3, run_with(take, free_then_drop); }
static void captured(void) { how = CAPTURED, run_with(take, free_then_drop); }
static void captured_ptsz(void) { how = CAPTURED_PTSZ, run_with(take, free_then_drop); }

/* Launched again after its memory was freed: the same bytes, counted once. */
static int launch_thrice(handle exec)
{
    int code = launch(exec);
    for (int time = 0; !code && time < 2; time++) {
        size_t with = used();
        OK(cuStreamSynchronize, stream);
        dptr address = 0;
        for (int piece = 0; piece < MOST; piece++)
            if (execs[piece] == exec)
                address = held[piece];
        OK(cuMemFreeAsync, address, stream);
        expect_used(with, "freed to the device's graphs");
        code = launch(exec);
        expect_used(with, "launched again");
    }
    return code;
}

static int take_thrice(int piece) { return make_and(launch_thrice, piece); }
static void again(void) { run_with(take_thrice, free_then_drop); }

/* The graph that made the executable one is gone before the launch. */
static int take_orphaned(int piece)
{
    graphs[piece] = with_allocation(SIZE, &held[piece]);
    OK(cuGraphInstantiateWithFlags, &execs[piece], graphs[piece], 0);
    OK(cuGraphDestroy, graphs[piece]);
    int code = launch(execs[piece]);
    if (code)
        OK(cuGraphExecDestroy, execs[piece]);
    return code;
}

/* Destroyed with its memory in use; nobody freed it, so nothing but the graph gives it back. */
static int destroy_only(int piece)
{
    OK(cuStreamSynchronize, stream);
    return ASK(cuGraphExecDestroy, execs[piece]);
}

static void orphaned(void) { run_with(take_orphaned, destroy_only); }

static int upload(handle exec)
{
    return per_thread ? ASK(cuGraphUpload_ptsz, exec, stream) : ASK(cuGraphUpload, exec, stream);
}

/* The upload is what is refused; the launch uses what it put in place. */
static int take_uploaded(int piece)
{
    int code = make_and(upload, piece);
    return code ? code : launch(execs[piece]);
}

static void uploaded(void) { run_with(take_uploaded, free_then_drop); }
static void uploaded_ptsz(void) { per_thread = 1, uploaded(); }

/* Instantiation uploads, where it is asked to: then it is what is refused. */
static int take_instantiated(int piece)
{
    struct { uint64_t flags; handle stream, node; uint32_t result; } params = {2, stream, 0, 0};
    graphs[piece] = with_allocation(SIZE, &held[piece]);
    int code = per_thread ? ASK(cuGraphInstantiateWithParams_ptsz, &execs[piece], graphs[piece], &params)
                          : ASK(cuGraphInstantiateWithParams, &execs[piece], graphs[piece], &params);
    if (code)
        OK(cuGraphDestroy, graphs[piece]);
    return code ? code : launch(execs[piece]);
}

static void instantiated(void) { run_with(take_instantiated, free_then_drop); }
static void instantiated_ptsz(void) { per_thread = 1, instantiated(); }

ROWS({"graph", plain}, {"graph-freed-in-order", in_order}, {"graph-ptsz", ptsz}, {"graph-node", any},
     {"graph-node-v2", any_v2}, {"graph-node-v3", any_v3}, {"graph-captured", captured},
     {"graph-captured-ptsz", captured_ptsz}, {"graph-again", again}, {"graph-orphaned", orphaned},
     {"graph-uploaded", uploaded}, {"graph-uploaded-ptsz", uploaded_ptsz}, {"graph-instantiated", instantiated},
     {"graph-instantiated-ptsz", instantiated_ptsz})
