/* mapped ROW [fault|keep]: what keeps memory charged after its handle is gone, and in which order it goes. */
#include "vmm.h"

static handle again[MOST];
static dptr second[MOST];

static int unmap_then_release(int piece)
{
    size_t with = used();
    displace(at[piece]);
    expect_used(with, "unmapped, not released");
    return give(piece);
}

static int release_then_unmap(int piece)
{
    size_t with = used();
    if (held[piece])
        OK(give, piece);
    held[piece] = 0;
    expect_used(with, "released, not unmapped");
    int code = ASK(cuMemUnmap, at[piece], SIZE);
    if (!code)
        OK(cuMemAddressFree, at[piece], SIZE);
    return code;
}

static int retained_last(int piece)
{
    size_t with = used();
    OK(cuMemRetainAllocationHandle, &again[piece], at[piece] + 4096);
    OK(cuMemRelease, held[piece]);
    displace(at[piece]);
    expect_used(with, "retained");
    return ASK(cuMemRelease, again[piece]);
}

/* Its first handles are gone: the mapping alone is left, and makes a handle again. */
static int retained_from_mapping(int piece)
{
    size_t with = used();
    OK(cuMemRelease, held[piece]);
    OK(cuMemRetainAllocationHandle, &again[piece], at[piece]);
    OK(cuMemRetainAllocationHandle, &held[piece], at[piece]);
    displace(at[piece]);
    OK(cuMemRelease, again[piece]);
    expect_used(with, "retained twice, released once");
    return ASK(cuMemRelease, held[piece]);
}

static int take_mapped_twice(int piece)
{
    int code = take_mapped(piece);
    if (!code)
        place(&second[piece], held[piece]);
    return code;
}

static int mapped_twice(int piece)
{
    size_t with = used();
    OK(cuMemRelease, held[piece]);
    displace(at[piece]);
    expect_used(with, "mapped once more");
    displace(second[piece]);
    return 0;
}

static void mapped(void) { run_with(take_mapped, unmap_then_release); }
static void outlives(void) { run_with(take_mapped, release_then_unmap); }
static void retain(void) { run_with(take_mapped, retained_last); }
static void retain_again(void) { run_with(take_mapped, retained_from_mapping); }
static void twice(void) { run_with(take_mapped_twice, mapped_twice); }

ROWS({"vmm-mapped", mapped}, {"vmm-map-outlives", outlives}, {"vmm-retained", retain}, {"vmm-retained-again", retain_again},
     {"vmm-mapped-twice", twice})
