/* The ways to hold device memory. */
#include "ways.h"

#include <string.h>

int device;
handle stream;

static const struct place here = {DEVICE, 0};
static const struct pool_kind on_device = {.kind = PINNED, .place = {DEVICE, 0}};

static void give_plain(struct piece *piece) { DO(cuMemFree_v2(piece->at)); }

static int take_plain(struct piece *piece) { return cuMemAlloc_v2(&piece->at, piece->bytes); }

/* Rows of 1 MiB, which no driver lengthens. */
static int take_pitched(struct piece *piece)
{
    size_t pitch, width = 1 << 20;
    return cuMemAllocPitch_v2(&piece->at, &pitch, width, piece->bytes / width, 16);
}

/* Written by the device, so that it is there and not in the host. */
static int take_managed(struct piece *piece)
{
    int code = cuMemAllocManaged(&piece->at, piece->bytes, GLOBAL);
    if (!code) {
        DO(cuMemsetD8_v2(piece->at, 1, piece->bytes));
        DO(cuCtxSynchronize());
    }
    return code;
}

static handle pool;

static int take_async(struct piece *piece)
{
    if (!pool)
        DO(cuDeviceGetDefaultMemPool(&pool, device));
    return cuMemAllocAsync(&piece->at, piece->bytes, stream);
}

static int take_from_pool(struct piece *piece)
{
    if (!pool)
        DO(cuMemPoolCreate(&pool, &on_device));
    return cuMemAllocFromPoolAsync(&piece->at, piece->bytes, pool, stream);
}

static void give_async(struct piece *piece) { DO(cuMemFreeAsync(piece->at, stream)); }

static void settle_pool(void)
{
    DO(cuStreamSynchronize(stream));
    DO(cuMemPoolTrimTo(pool, 0));
}

static int take_vmm(struct piece *piece)
{
    const struct physical kind = {.kind = PINNED, .place = here};
    const struct access access = {here, READ_WRITE};
    int code = cuMemCreate(&piece->memory, piece->bytes, &kind, 0);
    if (code)
        return code;
    DO(cuMemAddressReserve(&piece->at, piece->bytes, 0, 0, 0));
    DO(cuMemMap(piece->at, piece->bytes, 0, piece->memory, 0));
    DO(cuMemSetAccess(piece->at, piece->bytes, &access, 1));
    return 0;
}

/* The handle goes first: the mapping alone keeps the memory. */
static void give_vmm(struct piece *piece)
{
    DO(cuMemRelease(piece->memory));
    DO(cuMemUnmap(piece->at, piece->bytes));
    DO(cuMemAddressFree(piece->at, piece->bytes));
}

/* 64 KiB a row, of four floats each. */
static int take_array(struct piece *piece)
{
    const struct flat shape = {4096, piece->bytes >> 16, FLOAT, 4};
    return cuArrayCreate_v2(&piece->array, &shape);
}

static void give_array(struct piece *piece) { DO(cuArrayDestroy(piece->array)); }

/* One level, so that its size is known. */
static int take_mipmap(struct piece *piece)
{
    const struct deep shape = {4096, piece->bytes >> 16, 0, FLOAT, 4, 0};
    return cuMipmappedArrayCreate(&piece->array, &shape, 1);
}

static void give_mipmap(struct piece *piece) { DO(cuMipmappedArrayDestroy(piece->array)); }

/* A node that allocates takes its memory at the first launch. */
static int take_graph(struct piece *piece)
{
    const struct access access = {here, READ_WRITE};
    struct alloc_node node = {.pool = on_device, .access = &access, .accesses = 1, .bytes = piece->bytes};
    handle made;
    DO(cuGraphCreate(&piece->graph, 0));
    DO(cuGraphAddMemAllocNode(&made, piece->graph, NULL, 0, &node));
    piece->at = node.at;
    int code = cuGraphInstantiateWithFlags(&piece->exec, piece->graph, 0);
    if (!code && (code = cuGraphLaunch(piece->exec, stream)))
        DO(cuGraphExecDestroy(piece->exec));
    if (code)
        DO(cuGraphDestroy(piece->graph));
    return code;
}

static void give_graph(struct piece *piece)
{
    DO(cuMemFreeAsync(piece->at, stream));
    DO(cuStreamSynchronize(stream));
    DO(cuGraphExecDestroy(piece->exec));
    DO(cuGraphDestroy(piece->graph));
}

static void settle_graphs(void) { DO(cuDeviceGraphMemTrim(device)); }

static const struct way ways[] = {
    {"malloc", take_plain, give_plain, NULL},
    {"pitched", take_pitched, give_plain, NULL},
    {"managed", take_managed, give_plain, NULL},
    {"async", take_async, give_async, settle_pool},
    {"pool", take_from_pool, give_async, settle_pool},
    {"vmm", take_vmm, give_vmm, NULL},
    {"array", take_array, give_array, NULL},
    {"mipmap", take_mipmap, give_mipmap, NULL},
    {"graph", take_graph, give_graph, settle_graphs},
};

const struct way *way_called(const char *name)
{
    for (size_t at = 0; at < sizeof ways / sizeof *ways; at++)
        if (!strcmp(ways[at].name, name))
            return &ways[at];
    return NULL;
}
