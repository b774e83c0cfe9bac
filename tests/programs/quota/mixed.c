/* mixed ROW: small arrays that fill their pages otherwise than as many of one size would. */
#include "fill.h"

static handle arrays[MOST], contexts[64];

static int make(int piece, unsigned kib)
{
    array_3d shape = {256, kib * 4, 0, 1, 1, 0};
    arrays[piece] = 0;
    return ASK(cuArray3DCreate_v2, &arrays[piece], &shape);
}

static int take(int piece) { return make(piece, 1024); }
static int give(int piece) { return ASK(cuArrayDestroy, arrays[piece]); }

static void again(void) { fill_and_refill(&(struct way){MIB, take, give}); }

/* By turns of two sizes: to the last page, whether they fill it worse than by their shares or better. */
static void sizes(void)
{
    const unsigned pairs[][2] = {{350, 1024}, {420, 1024}, {700, 530}};
    in_primary();
    size_t start = used();
    for (int at = 0; at < 3; at++) {
        int pieces = 0;
        while (pieces < MOST && !make(pieces, pairs[at][pieces % 2])) pieces++;
        if (used() != total())
            FAIL("%zu bytes of %zu are used when arrays of %u and %u KiB are refused", used(), total(), pairs[at][0], pairs[at][1]);
        while (pieces > 0) OK(give, --pieces);
        expect_used(start, "emptied");
    }
    again();
}

/* Most are gone, and as many come again where they were. */
static void gone(void)
{
    in_primary();
    size_t start = used();
    int pieces = 0;
    while (pieces < MOST && !make(pieces, 256)) pieces++;
    size_t full = used();
    for (int at = 0; at < pieces; at++)
        if (at % 8) OK(give, at);
    for (int at = 0; at < pieces; at++)
        if (at % 8 && make(at, 256)) FAIL("array %d of %d does not come again", at, pieces);
    expect_used(full, "come again");
    while (pieces > 0) OK(give, --pieces);
    expect_used(start, "emptied");
    again();
}

/* One small array takes a page in each context. */
static void apart(void)
{
    in_primary();
    size_t start = used();
    for (int at = 0; at < 40; at++) OK(cuCtxCreate_v2, &contexts[at], 0, 0);
    int pieces = 0;
    for (; pieces < 40; pieces++) {
        OK(cuCtxSetCurrent, contexts[pieces]);
        if (make(pieces, 64)) break;
    }
    if ((size_t)pieces * 2 * MIB != total() - start)
        FAIL("%d contexts have an array each", pieces);
    for (int at = 0; at < pieces; at += 2) OK(give, at);
    for (int at = 0; at < 40; at++) OK(cuCtxDestroy_v2, contexts[at]);
    in_primary();
    expect_used(start, "destroyed");
    again();
}

ROWS({"array-sizes", sizes}, {"array-gone", gone}, {"array-apart", apart})
