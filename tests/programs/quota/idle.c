/* idle ROW: graphs that free what they allocate: the memory stays for the next run. */
#include "graph.h"

/* A graph of this many bytes that frees what it allocates: the memory stays for the next run. */
static int run_inside(size_t bytes, int as_child)
{
    handle graph = 0, made = 0, freed = 0, child = 0, inside = 0, exec = 0;
    struct { dptr at; size_t pitch; unsigned value, element; size_t width, height; } set = {0, 0, 1, 1, 1024, 1};
    OK(cuGraphCreate, &graph, 0);
    dptr address = node(graph, &made, bytes);
    handle after = made;
    if (as_child) {
        OK(cuGraphCreate, &child, 0);
        set.at = address;
        handle context = 0;
        OK(cuDevicePrimaryCtxRetain, &context, 0);
        OK(cuGraphAddMemsetNode, &inside, child, NULL, 0, &set, context);
        OK(cuGraphAddChildGraphNode, &after, graph, &made, 1, child);
    }
    OK(cuGraphAddMemFreeNode, &freed, graph, &after, 1, address);
    OK(cuGraphInstantiateWithFlags, &exec, graph, 0);
    int code = launch(exec);
    OK(cuStreamSynchronize, stream);
    OK(cuGraphExecDestroy, exec);
    OK(cuGraphDestroy, graph);
    if (as_child)
        OK(cuGraphDestroy, child);
    return code;
}

static int child;

/* Ever larger graphs: each needs what the smaller ones left idle to be given back first. */
static int take_larger(int piece)
{
    return run_inside((size_t)(piece + 1) * SIZE, child);
}

static void larger(void)
{
    begin();
    int most = 0, code, refilled = 0;
    while (!(code = take_larger(most)))
        if (++most > 100)
            FAIL("the quota does not hold");
    size_t high = 0, zero = 0;
    OK(cuDeviceGetGraphMemAttribute, 0, 3, &high);
    OK(cuDeviceSetGraphMemAttribute, 0, 3, &zero);
    trim();
    expect_used(0, "trimmed");
    while (!take_larger(refilled))
        refilled++;
    trim();
    expect_used(0, "trimmed again");
    printf("row %s filled %zu refused %d refilled %zu\n", row, most * (size_t)SIZE, code, refilled * (size_t)SIZE);
}

static void larger_child(void) { child = 1, larger(); }

/* What graphs left idle is given back before something else is refused. */
static int take_plain(int piece) { return ASK(cuMemAlloc_v2, &held[piece], SIZE); }
static int give_plain(int piece) { return ASK(cuMemFree_v2, held[piece]); }
static void trimmed_for_others(void)
{
    begin();
    for (int piece = 1; piece <= 4; piece++)
        OK(run_inside, (size_t)piece * SIZE, 0);
    expect_used(10 * (size_t)SIZE, "idle");
    fill_and_refill(&(struct way){SIZE, take_plain, give_plain, .idle = 1});
}

ROWS({"graph-larger", larger}, {"graph-child", larger_child}, {"graph-trimmed-for-others", trimmed_for_others})
