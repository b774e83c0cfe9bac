/* turns ROW: graphs that run in turn may have one memory, those that run at once have their own. */
#include "graph.h"
#include <sched.h>

enum { HALF = 30 << 20 };
static int gate;
extern int cuLaunchHostFunc(handle, void (*)(void *), void *);

static void blocks(void *nothing)
{
    while (!__atomic_load_n(&gate, __ATOMIC_ACQUIRE))
        sched_yield();
}

static handle made(dptr *address, int frees)
{
    handle graph = 0, node_of = 0, freed = 0, exec = 0;
    OK(cuGraphCreate, &graph, 0);
    *address = node(graph, &node_of, HALF);
    if (frees)
        OK(cuGraphAddMemFreeNode, &freed, graph, &node_of, 1, *address);
    OK(cuGraphInstantiateWithFlags, &exec, graph, 0);
    return exec;
}

static void refused(handle exec, const char *when)
{
    if (launch(exec) != OUT_OF_MEMORY)
        FAIL("launched %s", when);
}

static void all_of_it(void)
{
    trim();
    expect_used(0, "trimmed");
    fill_and_refill(&(struct way){SIZE, take, free_then_drop, trim});
}

/* Two graphs that ran in turn: that each got its memory once is no reason to let both run at once. */
static void in_turn(void)
{
    handle first = 0, second = 0;
    dptr its = 0, others = 0, rest = 0;
    begin();
    first = made(&its, 0), second = made(&others, 0);
    OK(launch, first);
    OK(cuMemFree_v2, its);
    OK(launch, second);
    OK(cuMemFree_v2, others);
    expect_used(HALF, "both ran");
    OK(cuMemAlloc_v2, &rest, HALF);
    OK(launch, first);
    refused(second, "beside the other, which has the memory");
    OK(cuMemFree_v2, its);
    OK(launch, second);
    refused(first, "beside the other, which has taken the memory");
    OK(cuMemFree_v2, others);
    OK(cuMemFree_v2, rest);
    all_of_it();
}

/* Two that run at once have their own, and run again while they run, though the quota is full. */
static void at_once(void)
{
    handle first = 0, second = 0;
    dptr its = 0, others = 0, more = 0;
    begin();
    first = made(&its, 1), second = made(&others, 1);
    OK(cuLaunchHostFunc, stream, blocks, NULL);
    for (int turn = 0; turn < 3; turn++) {
        OK(launch, first);
        OK(launch, second);
        if (ASK(cuMemAlloc_v2, &more, 2 * MIB) != OUT_OF_MEMORY)
            FAIL("what graphs hold was given to another");
    }
    expect_used(2 * HALF, "both on their way");
    __atomic_store_n(&gate, 1, __ATOMIC_RELEASE);
    all_of_it();
}

/* A graph has memory of two devices, and the one that is full has given it back. */
static void on_both(void)
{
    handle graph = 0, node_of = 0, exec = 0, here = 0, other = 0;
    dptr at[2], rest = 0;
    begin();
    OK(cuDevicePrimaryCtxRetain, &here, 0);
    OK(cuDevicePrimaryCtxRetain, &other, 1);
    OK(cuGraphCreate, &graph, 0);
    for (int device = 0; device < 2; device++) {
        alloc_node wants = wanted(HALF);
        wants.kind.where.id = device;
        OK(cuGraphAddMemAllocNode, &node_of, graph, NULL, 0, &wants);
        at[device] = wants.address;
    }
    OK(cuGraphInstantiateWithFlags, &exec, graph, 0);
    OK(cuDeviceGraphMemTrim, 0);
    OK(launch, exec);
    OK(cuMemFree_v2, at[0]);
    OK(cuMemFree_v2, at[1]);
    OK(cuDeviceGraphMemTrim, 1);
    OK(cuCtxSetCurrent, other);
    OK(cuMemAlloc_v2, &rest, 2 * HALF);
    OK(cuCtxSetCurrent, here);
    refused(exec, "without memory of the second device");
    OK(cuMemFree_v2, rest);
    OK(launch, exec);
    OK(cuMemFree_v2, at[0]);
    OK(cuMemFree_v2, at[1]);
    OK(cuDeviceGraphMemTrim, 1);
    all_of_it();
}

ROWS({"graph-in-turn", in_turn}, {"graph-at-once", at_once}, {"graph-on-both", on_both})
