/* import ROW: exported by one process of the client and imported by another: who made it paid for it. */
#include "twin.h"

enum { SIZE = 4 << 20, SHARED = 4 };
static dptr held[MOST];
static handle memory[MOST], pool, stream;

static int take_exportable(int piece)
{
    allocation kind = {.kind = PINNED, .handles = POSIX_FD, .where = {ON_DEVICE, 0}};
    memory[piece] = 0;
    return ASK(cuMemCreate, &memory[piece], SIZE, &kind, 0);
}

static int release(int piece) { return ASK(cuMemRelease, memory[piece]); }

static void export_vmm(void)
{
    for (int piece = 0; piece < SHARED; piece++) {
        int file = -1;
        OK(cuMemExportToShareableHandle, &file, memory[piece], POSIX_FD, 0);
        hand_over("", 1, file);
        close(file);
    }
}

static void vmm_twin(void)
{
    char none;
    be_twin();
    for (int file; get_from_twin(&none, 1, &file); close(file)) {
        size_t full = used();
        handle first = 0, second = 0, retained = 0;
        dptr at = 0;
        OK(cuMemImportFromShareableHandle, &first, (size_t)file, POSIX_FD);
        OK(cuMemImportFromShareableHandle, &second, (size_t)file, POSIX_FD);
        OK(cuMemAddressReserve, &at, SIZE, 0, 0, 0);
        OK(cuMemMap, at, SIZE, 0, first, 0);
        OK(cuMemRetainAllocationHandle, &retained, at);
        while_open(full);
        OK(cuMemRelease, first);
        OK(cuMemRelease, second);
        OK(cuMemUnmap, at, SIZE);
        OK(cuMemRelease, retained);
        OK(cuMemAddressFree, at, SIZE);
        closed(full);
    }
}

static void vmm(void)
{
    in_primary();
    start_twin("vmm-twin");
    fill_and_refill(&(struct way){SIZE, take_exportable, release, .filled = export_vmm});
    end_twin();
}

static void other_vmm(void) { other_client = "other", vmm(); }

static int take_from_pool(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAllocFromPoolAsync, &held[piece], SIZE, pool, stream);
}

static int give_to_pool(int piece) { return ASK(cuMemFreeAsync, held[piece], stream); }
static void synchronize(void) { OK(cuStreamSynchronize, stream); }

static void export_pointers(void)
{
    int file = -1;
    OK(cuStreamSynchronize, stream);
    OK(cuMemPoolExportToShareableHandle, &file, pool, POSIX_FD, 0);
    for (int piece = 0; piece < SHARED; piece++) {
        pool_export data;
        OK(cuMemPoolExportPointer, &data, held[piece]);
        hand_over(&data, sizeof data, file);
    }
    close(file);
}

static void pool_twin(void)
{
    pool_export data;
    be_twin();
    for (int file; get_from_twin(&data, sizeof data, &file); close(file)) {
        size_t full = used();
        dptr at = 0;
        OK(cuMemPoolImportFromShareableHandle, &pool, (size_t)file, POSIX_FD, 0);
        OK(cuMemPoolImportPointer, &at, pool, &data);
        while_open(full);
        OK(cuMemFreeAsync, at, 0);
        OK(cuCtxSynchronize);
        OK(cuMemPoolDestroy, pool);
        closed(full);
    }
}

static void pooled(void)
{
    pool_kind kind = {.kind = PINNED, .handles = POSIX_FD, .where = {ON_DEVICE, 0}};
    in_primary();
    start_twin("pool-twin");
    OK(cuStreamCreate, &stream, 1);
    OK(cuMemPoolCreate, &pool, &kind);
    fill_and_refill(&(struct way){SIZE, take_from_pool, give_to_pool, synchronize, .filled = export_pointers});
    end_twin();
}

ROWS({"vmm-import", vmm}, {"vmm-import-other-client", other_vmm}, {"pool-import", pooled}, {"vmm-twin", vmm_twin, 1},
     {"pool-twin", pool_twin, 1})
