/* A row of the table: one way to hold device memory, filled to the last byte the quota allows, refused
 * beyond it, emptied, and filled to the same figure again. */
#ifndef QUOTA_FILL_H
#define QUOTA_FILL_H
#include "row.h"

/* Pieces a row may come to hold; a quota that does not hold is noticed long before. */
#define MOST 9000

struct way {
    size_t charge;          /* what one piece takes of the quota */
    int (*take)(int piece); /* both answer as the driver did */
    int (*give)(int piece);
    void (*settle)(void);   /* once all are given: has the driver let go of what it keeps */
    int contextless;        /* the pieces bring the context, so nothing can be asked without one */
    void (*filled)(void);   /* while all are held */
    int idle;               /* what is used at first is idle, and has made room by then */
};

/* The last bytes, then not one more. */
static void brim(void)
{
    dptr held[8], more = 0;
    int pieces = 0;
    for (size_t rest; (rest = total() - used()) > 0; pieces++) {
        size_t bytes = rest >= 2 * MIB ? rest & -(2 * MIB) : rest > MIB ? MIB : rest;
        if (pieces == 8)
            FAIL("%zu bytes are free however much is taken", rest);
        int code = ASK(cuMemAlloc_v2, &held[pieces], bytes);
        if (code == OUT_OF_MEMORY && rest < 2 * MIB)
            break; /* small requests share pages, and there is no whole page left */
        if (code)
            FAIL("%zu bytes are said to be free, %zu of them answer %d", rest, bytes, code);
    }
    if (ASK(cuMemAlloc_v2, &more, 1) != OUT_OF_MEMORY || more)
        FAIL("the quota is full, and one byte more was had");
    while (pieces > 0)
        OK(cuMemFree_v2, held[--pieces]);
}

static int refusal;

/* Pieces held when the next one is refused. */
static int fill(const struct way *way)
{
    size_t all = total(), start = way->contextless || way->idle ? 0 : used();
    int pieces = 0, code;
    while (!(code = way->take(pieces)))
        if (++pieces >= MOST || pieces * way->charge > 4 * all)
            FAIL("the quota of %zu bytes does not hold", all);
    refusal = code;
    expect_used(start + pieces * way->charge, "filled");
    if (way->take(pieces) != code)
        FAIL("refused with %d, then something else", code);
    expect_used(start + pieces * way->charge, "refused twice");
    if (strcmp(mode, "keep"))
        brim();
    if (way->filled)
        way->filled();
    expect_used(start + pieces * way->charge, "refused at the brim");
    return pieces;
}

static inline void empty(const struct way *way, int pieces, size_t start)
{
    if (!strcmp(mode, "keep") && pieces > 0) {
        int code = way->give(pieces - 1);
        if (code != FAULT)
            FAIL("giving back should have failed, and answered %d", code);
        expect_used(start + pieces * way->charge, "not given back");
    }
    while (pieces > 0) {
        int code = way->give(--pieces);
        if (code)
            FAIL("giving back answered %d", code);
    }
    if (way->settle)
        way->settle();
    if (!way->contextless)
        expect_used(start, "emptied");
}

static inline void fill_and_refill(const struct way *way)
{
    size_t start = way->contextless || way->idle ? 0 : used();
    if (!strcmp(mode, "fault")) {
        int code = way->take(0);
        if (code != FAULT)
            FAIL("the driver should have failed, and answered %d", code);
        if (!way->contextless)
            expect_used(start, "the driver failed");
    }
    int first = fill(way), code = refusal;
    empty(way, first, start);
    mode = "";
    int again = fill(way);
    empty(way, again, start);
    printf("row %s filled %zu refused %d refilled %zu\n", row, first * way->charge, code, again * way->charge);
}

#endif
