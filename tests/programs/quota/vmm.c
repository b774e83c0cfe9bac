/* vmm ROW [fault|keep]: physical memory as it is made: where it is, alone or in pairs, imported again. */
#include "vmm.h"
#include <unistd.h>

static handle again[MOST];

/* Two memories side by side, unmapped by one call. */
static int take_pair(int piece)
{
    handle other;
    int code = make(piece, 2 * MIB);
    if (code)
        return code;
    other = held[piece];
    if ((code = make(piece, 4 * MIB))) {
        OK(cuMemRelease, other);
        return code;
    }
    OK(cuMemAddressReserve, &at[piece], SIZE, 0, 0, 0);
    OK(cuMemMap, at[piece], 2 * MIB, 0, other, 0);
    OK(cuMemMap, at[piece] + 2 * MIB, 4 * MIB, 0, held[piece], 0);
    OK(cuMemRelease, other);
    OK(cuMemRelease, held[piece]);
    return 0;
}

static int give_pair(int piece)
{
    displace(at[piece]);
    return 0;
}

/* Exported and imported by the same process: one memory, two handles. */
static int take_reimported(int piece)
{
    int file = -1, code = take(piece);
    if (code)
        return code;
    OK(cuMemExportToShareableHandle, &file, held[piece], POSIX_FD, 0);
    OK(cuMemImportFromShareableHandle, &again[piece], (size_t)file, POSIX_FD);
    return 0;
}

static int give_reimported(int piece)
{
    size_t with = used();
    OK(cuMemRelease, held[piece]);
    expect_used(with, "imported");
    return ASK(cuMemRelease, again[piece]);
}

/* Released while only a descriptor leads to it, and had back by that. */
static int take_left(int piece)
{
    int file = -1, code = take(piece);
    if (code)
        return code;
    size_t with = used();
    OK(cuMemExportToShareableHandle, &file, held[piece], POSIX_FD, 0);
    OK(cuMemRelease, held[piece]);
    expect_used(with - SIZE, "released");
    OK(cuMemImportFromShareableHandle, &held[piece], (size_t)file, POSIX_FD);
    expect_used(with, "imported");
    OK(cuMemImportFromShareableHandle, &again[piece], (size_t)file, POSIX_FD);
    expect_used(with, "imported again");
    OK(cuMemRelease, again[piece]);
    close(file);
    return 0;
}

static void plain(void) { run_with(take, give); }
static void pair(void) { run_with(take_pair, give_pair); }
static void left(void) { handles = POSIX_FD, run_with(take_left, give); }
static void reimport(void) { handles = POSIX_FD, run_with(take_reimported, give_reimported); }

/* A part of a device is device memory, its number in the low byte. */
static void domain(void) { where = 6, run_with(take, give); }

/* Host locations are free, even when the quota is full; nor does a wrong handle give anything back. */
static void on_host(void)
{
    in_primary();
    dptr all = 0;
    OK(cuMemAlloc_v2, &all, total());
    size_t full = used();
    for (where = ON_HOST; where <= 4; where++) {
        OK(make, 0, 64 * MIB);
        expect_used(full, "with host memory");
        OK(cuMemRelease, held[0]);
    }
    expect_used(full, "without it again");
    OK(cuMemFree_v2, all);
    where = ON_DEVICE;
    OK(make, 0, SIZE);
    size_t with = used();
    allocation nowhere = {.kind = PINNED, .where = {ON_DEVICE, 99}}, odd = {.kind = PINNED, .where = {ON_DEVICE, 0}};
    if (!ASK(cuMemCreate, &again[0], SIZE, &nowhere, 0) || !ASK(cuMemCreate, &again[0], SIZE + 1, &odd, 0))
        FAIL("no such device, no such size");
    OK(cuMemRelease, held[0]);
    if (!ASK(cuMemRelease, held[0]) || !ASK(cuMemRelease, 12345))
        FAIL("released twice");
    expect_used(with - SIZE, "released twice");
    fill_and_refill(&(struct way){SIZE, take, give});
}

ROWS({"vmm", plain}, {"vmm-unmapped-together", pair}, {"vmm-reimported", reimport}, {"vmm-left-and-imported", left},
     {"vmm-domain", domain}, {"vmm-host", on_host})
