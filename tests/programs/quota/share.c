/* share ROW: memory that a second process of the client comes to hold too: who made it paid for it. */
#define _GNU_SOURCE
#include "row.h"
#include "twin.h"
#include <sys/mman.h>

enum { SIZE = 4 << 20, SHARED = 4 };
static dptr held[MOST];

static int take(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], SIZE);
}

static int give(int piece) { return ASK(cuMemFree_v2, held[piece]); }

static void export_ipc(void)
{
    for (int piece = 0; piece < SHARED; piece++) {
        ipc_handle ticket;
        OK(cuIpcGetMemHandle, &ticket, held[piece]);
        hand_over(&ticket, sizeof ticket, -1);
    }
}

static void ipc_twin(void)
{
    ipc_handle ticket;
    be_twin();
    while (get_from_twin(&ticket, sizeof ticket, NULL)) {
        size_t full = used();
        dptr first = 0, second = 0;
        OK(cuIpcOpenMemHandle_v2, &first, ticket, 1);
        OK(cuIpcOpenMemHandle, &second, ticket, 1);
        while_open(full);
        OK(cuIpcCloseMemHandle, first);
        OK(cuIpcCloseMemHandle, second);
        closed(full);
    }
}

static void ipc(void)
{
    in_primary();
    start_twin("ipc-twin");
    fill_and_refill(&(struct way){SIZE, take, give, .filled = export_ipc});
    end_twin();
}

/* Two processes, one quota; what a process held comes back with its end, however it ends. */
static void members(void)
{
    struct way way = {SIZE, take, give};
    in_primary();
    start_twin("holding-twin");
    give_twin("", 1, -1);
    told('o');
    size_t others = used();
    int mine = fill(&way), code = refusal;
    answer('c');
    end_twin();
    expect_used(mine * (size_t)SIZE, "the other is gone");
    for (int piece = 0; piece < mine; piece++)
        OK(give, piece);
    int all = fill(&way);
    printf("row %s filled %zu refused %d refilled %zu\n", row, others + mine * (size_t)SIZE, code, all * (size_t)SIZE);
}

/* Another client's memory leaves less of the card, and takes nothing of the quota. */
static void neighbour(void)
{
    other_client = "neighbour";
    in_primary();
    start_twin("holding-twin");
    give_twin("", 1, -1);
    told('o');
    drivers_own = 1;
    fill_and_refill(&(struct way){SIZE, take, give});
    answer('c');
    end_twin();
}

static void other_ipc(void) { other_client = "other", ipc(); }

static void holding_twin(void)
{
    char none;
    be_twin();
    get_from_twin(&none, 1, NULL);
    for (int piece = 0; piece < 5; piece++)
        OK(take, piece);
    answer('o');
    told('c');
    tell_calls();
    fflush(stdout);
    _exit(0);
}

/* Memory of another API, even when the quota is full; giving it back gives nothing back. */
static void import_external(void)
{
    struct { uint32_t kind; int64_t file, more; uint64_t size; uint32_t flags, reserved[16]; } from = {.kind = 1, .size = 8 * MIB};
    struct { uint64_t offset, size; uint32_t flags, reserved[16]; } part = {4 * MIB, 4 * MIB};
    struct { uint64_t offset; array_3d shape; uint32_t levels, reserved[16]; } map = {0, {512, 512, 0, 1, 4, 0}, 4};
    size_t full = used();
    handle external = 0, mipmap = 0;
    dptr at = 0;
    from.file = memfd_create("other", 0);
    if (from.file < 0 || ftruncate(from.file, from.size))
        FAIL("no file to import");
    OK(cuImportExternalMemory, &external, &from);
    OK(cuExternalMemoryGetMappedBuffer, &at, external, &part);
    OK(cuExternalMemoryGetMappedMipmappedArray, &mipmap, external, &map);
    expect_used(full, "imported");
    OK(cuMipmappedArrayDestroy, mipmap);
    OK(cuMemFree_v2, at);
    expect_used(full, "unmapped");
    OK(cuDestroyExternalMemory, external);
    expect_used(full, "let go");
}

static void external(void)
{
    in_primary();
    fill_and_refill(&(struct way){SIZE, take, give, .filled = import_external});
}

ROWS({"ipc", ipc}, {"ipc-other-client", other_ipc}, {"neighbour", neighbour}, {"members", members}, {"external", external},
     {"ipc-twin", ipc_twin, 1}, {"holding-twin", holding_twin, 1})
