/* Memory of graphs: an address for a node, memory from the first launch. */
#ifndef QUOTA_GRAPH_H
#define QUOTA_GRAPH_H
#include "fill.h"

enum { SIZE = 6 << 20 };
static handle graphs[MOST], execs[MOST], stream;
static dptr held[MOST];
static int how, per_thread;

static alloc_node wanted(size_t bytes)
{
    return (alloc_node){.kind = {.kind = PINNED, .where = {ON_DEVICE, 0}}, .bytes = bytes};
}

enum { NODE, ANY, ANY_V2, ANY_V3, CAPTURED, CAPTURED_PTSZ };

/* A node that allocates; making it takes nothing. */
static dptr node(handle graph, handle *made, size_t bytes)
{
    any_node any = {.kind = 10, .u.alloc = wanted(bytes)};
    switch (how) {
    case ANY: OK(cuGraphAddNode, made, graph, NULL, 0, &any); break;
    case ANY_V2: OK(cuGraphAddNode_v2, made, graph, NULL, NULL, 0, &any); break;
    case ANY_V3: OK(cuGraphAddNode_v3, made, graph, NULL, NULL, 0, &any); break;
    default: OK(cuGraphAddMemAllocNode, made, graph, NULL, 0, &any.u.alloc);
    }
    return any.u.alloc.address;
}

static handle with_allocation(size_t bytes, dptr *address)
{
    size_t before = used();
    handle graph = 0, made = 0;
    if (how >= CAPTURED) {
        OK(cuStreamBeginCapture_v2, stream, 2);
        if (how == CAPTURED)
            OK(cuMemAllocAsync, address, bytes, stream);
        else
            OK(cuMemAllocAsync_ptsz, address, bytes, stream);
        OK(cuStreamEndCapture, stream, &graph);
    } else {
        OK(cuGraphCreate, &graph, 0);
        *address = node(graph, &made, bytes);
    }
    expect_used(before, "a node was made");
    return graph;
}

static int launch(handle exec)
{
    return per_thread ? ASK(cuGraphLaunch_ptsz, exec, stream) : ASK(cuGraphLaunch, exec, stream);
}

static void drop(int piece)
{
    OK(cuGraphExecDestroy, execs[piece]);
    OK(cuGraphDestroy, graphs[piece]);
}

static int make_and(int (*begin)(handle), int piece)
{
    graphs[piece] = with_allocation(SIZE, &held[piece]);
    OK(cuGraphInstantiateWithFlags, &execs[piece], graphs[piece], 0);
    int code = begin(execs[piece]);
    if (code)
        drop(piece);
    return code;
}

static inline int take(int piece) { return make_and(launch, piece); }

/* The graph is gone first; its memory is freed by itself. */
static inline int free_then_drop(int piece)
{
    int code = ASK(cuMemFree_v2, held[piece]);
    if (!code)
        drop(piece);
    return code;
}

static void trim(void)
{
    OK(cuStreamSynchronize, stream);
    OK(cuDeviceGraphMemTrim, 0);
}

static void begin(void)
{
    in_primary();
    OK(cuStreamCreate, &stream, 1);
}

static inline void run_with(int (*take)(int), int (*give)(int))
{
    begin();
    fill_and_refill(&(struct way){SIZE, take, give, trim});
}

#endif
