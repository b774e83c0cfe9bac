/* array ROW [fault|keep]: arrays and mipmaps, by what their layout takes. */
#include "fill.h"

enum { LAYERED = 1, CUBEMAP = 4, SPARSE = 64, DEFERRED = 128, U8 = 1, F32 = 0x20, NV12 = 0xb0, BC1 = 0x91, BC7 = 0x9d };
static array_3d shape;
static unsigned levels;
static handle held[MOST];

static int take_flat(int piece)
{
    array_2d flat = {shape.width, shape.height, shape.format, shape.channels};
    held[piece] = 0;
    return ASK(cuArrayCreate_v2, &held[piece], &flat);
}

static int take_deep(int piece)
{
    held[piece] = 0;
    return ASK(cuArray3DCreate_v2, &held[piece], &shape);
}

static int take_mipmap(int piece)
{
    held[piece] = 0;
    return ASK(cuMipmappedArrayCreate, &held[piece], &shape, levels);
}

static int give_array(int piece)
{
    return ASK(cuArrayDestroy, held[piece]);
}

/* A level is no memory of its own. */
static int give_mipmap(int piece)
{
    handle level = 0;
    size_t with = used();
    OK(cuMipmappedArrayGetLevel, &level, held[piece], 0);
    if (!ASK(cuArrayDestroy, level))
        FAIL("a level could be destroyed");
    expect_used(with, "a level was destroyed");
    return ASK(cuMipmappedArrayDestroy, held[piece]);
}

static void of(array_3d wanted, size_t charge)
{
    in_primary();
    shape = wanted;
    int flat = !wanted.depth && !wanted.flags;
    fill_and_refill(&(struct way){charge, flat ? take_flat : take_deep, give_array});
}

static void mipmap_of(array_3d wanted, unsigned count, size_t charge)
{
    in_primary();
    shape = wanted, levels = count;
    fill_and_refill(&(struct way){charge, take_mipmap, give_mipmap});
}

/* Rows of whole tiles, 64 bytes by 8; above 1 MiB whole pages of 2 MiB. Small levels are mostly padding. */
static void one(void) { of((array_3d){131000, 0, 0, F32, 1, 0}, 512 * KIB); }
static void two(void) { of((array_3d){1000, 1020, 0, U8, 4, 0}, 4 * MIB); }
static void small(void) { of((array_3d){100, 30, 0, U8, 1, 0}, 4 * KIB); }
static void three(void) { of((array_3d){128, 100, 60, F32, 1, 0}, 4 * MIB); }
static void layered(void) { of((array_3d){512, 0, 1000, F32, 1, LAYERED}, 2 * MIB); }
static void layered_flat(void) { of((array_3d){64, 60, 100, F32, 4, LAYERED}, 8 * MIB); }
static void cube(void) { of((array_3d){512, 512, 6, U8, 4, CUBEMAP}, 6 * MIB); }
static void cube_layers(void) { of((array_3d){256, 256, 12, U8, 4, CUBEMAP | LAYERED}, 4 * MIB); }
static void bc1(void) { of((array_3d){2048, 2048, 0, BC1, 4, 0}, 2 * MIB); }
static void bc7(void) { of((array_3d){2046, 2046, 0, BC7, 4, 0}, 4 * MIB); }
static void planar(void) { of((array_3d){2048, 1360, 0, NV12, 3, 0}, 4 * MIB); }
static void mipmap(void) { mipmap_of((array_3d){1024, 1024, 0, U8, 4, 0}, 11, 6 * MIB); }
static void mipmap_some(void) { mipmap_of((array_3d){1024, 1024, 0, U8, 4, 0}, 1, 4 * MIB); }
static void mipmap_deep(void) { mipmap_of((array_3d){128, 128, 128, U8, 1, 0}, 99, 4 * MIB); }
static void mipmap_layers(void) { mipmap_of((array_3d){512, 512, 6, U8, 4, CUBEMAP}, 10, 10 * MIB); }

/* CUarrayMapInfo. */
struct map_info {
    uint32_t resource_kind;
    handle resource;
    uint32_t part;
    uint64_t where[4];
    uint32_t operation, handle_kind;
    handle memory;
    uint64_t offset;
    uint32_t devices, flags, reserved[2];
};

static handle sparse;
static int in_order;

static int map(uint32_t operation, handle memory)
{
    struct map_info info = {.resource = sparse, .operation = operation, .memory = memory, .devices = 1};
    int code = in_order ? ASK(cuMemMapArrayAsync_ptsz, &info, 1, 0) : ASK(cuMemMapArrayAsync, &info, 1, 0);
    OK(cuCtxSynchronize);
    return code;
}

static int take_tiles(int piece)
{
    allocation kind = {.kind = PINNED, .where = {ON_DEVICE, 0}, .usage = 1};
    held[piece] = 0;
    return ASK(cuMemCreate, &held[piece], 4 * MIB, &kind, 0);
}

/* Mapped in a tile, released, and still held until the tile is taken away. */
static int give_tiles(int piece)
{
    OK(map, 1, held[piece]);
    size_t with = used();
    int code = ASK(cuMemRelease, held[piece]);
    expect_used(with, "released, and mapped in a tile");
    OK(map, 2, 0);
    return code;
}

/* Arrays without memory take nothing, even when the quota is full; what is mapped in them does. */
static void without_memory(uint32_t flag)
{
    in_primary();
    dptr all = 0;
    handle array = 0, mipmap = 0;
    array_3d wanted = {4096, 4096, 0, F32, 4, flag};
    OK(cuMemAlloc_v2, &all, total());
    size_t full = used();
    OK(cuArray3DCreate_v2, &array, &wanted);
    OK(cuMipmappedArrayCreate, &mipmap, &wanted, 4);
    expect_used(full, "with arrays without memory");
    OK(cuMipmappedArrayDestroy, mipmap);
    expect_used(full, "without them again");
    OK(cuMemFree_v2, all);
    sparse = array;
    fill_and_refill(&(struct way){4 * MIB, take_tiles, give_tiles});
    OK(cuArrayDestroy, array);
}

static handle contexts[MOST];

/* Memory of which no handle is left, only a tile. */
static int take_mapped(int piece)
{
    array_3d wanted = {1024, 1024, 0, F32, 1, SPARSE};
    int code = contexts[piece] ? 0 : ASK(cuCtxCreate_v2, &contexts[piece], 0, 0);
    if (code || (code = take_tiles(piece)))
        return code;
    OK(cuCtxSetCurrent, contexts[piece]);
    OK(cuArray3DCreate_v2, &sparse, &wanted);
    OK(map, 1, held[piece]);
    OK(cuMemRelease, held[piece]);
    return 0;
}

static int give_context(int piece)
{
    int code = ASK(cuCtxDestroy_v2, contexts[piece]);
    contexts[piece] = code ? contexts[piece] : 0;
    return code;
}

/* An array goes with its context, and what is mapped to it goes with the array; that of another stays. */
static void in_context(void)
{
    in_primary();
    fill_and_refill(&(struct way){4 * MIB, take_mapped, give_context});
}

static void tiles(void) { without_memory(SPARSE); }
static void deferred(void) { in_order = 1, without_memory(DEFERRED); }

ROWS({"array-1d", one}, {"array-2d", two}, {"array-small", small}, {"array-3d", three}, {"array-layered-1d", layered},
     {"array-layered-2d", layered_flat}, {"array-cubemap", cube}, {"array-cubemap-layered", cube_layers},
     {"array-bc1", bc1}, {"array-bc7", bc7}, {"array-planar", planar}, {"mipmap", mipmap}, {"mipmap-one-level", mipmap_some},
     {"mipmap-3d", mipmap_deep}, {"mipmap-cubemap", mipmap_layers}, {"array-sparse", tiles}, {"array-sparse-context", in_context}, {"array-deferred", deferred})
