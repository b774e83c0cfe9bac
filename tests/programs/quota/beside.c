/* beside ROW: what the driver takes for itself, and what small arrays take, is measured while other memory is
 * on its way into the driver or out of it, or may be seen or not. */
#include "fill.h"

static handle arrays[MOST], stream;
static dptr held[MOST];
static volatile int over; /* for one of two threads */

static int take(int piece)
{
    held[piece] = 0;
    return ASK(cuMemAlloc_v2, &held[piece], 2 * MIB);
}

static int give(int piece) { return ASK(cuMemFree_v2, held[piece]); }

/* All there is, whatever was thought to be used before, and then no small request more. */
static int fill_all(void)
{
    dptr more = 0;
    int pieces = 0, all;
    while (!take(pieces))
        pieces++;
    if (used() != total())
        FAIL("%zu bytes are used when the next is refused", used());
    if (ASK(cuMemAlloc_v2, &more, MIB) != OUT_OF_MEMORY)
        FAIL("there is room where an array lies");
    for (all = pieces; pieces > 0;)
        OK(give, --pieces);
    return all;
}

static void fill_with_linear(void) { fill_and_refill(&(struct way){2 * MIB, take, give}); }

static int make(int at, unsigned rows)
{
    array_3d shape = {1000, rows, 0, 1, 1, 0};
    arrays[at] = 0;
    return ASK(cuArray3DCreate_v2, &arrays[at], &shape);
}

static void *take_40(void *context)
{
    dptr at = 0;
    OK(cuCtxSetCurrent, (handle)context);
    OK(cuMemAlloc_v2, &at, 40 * MIB);
    over = 1;
    OK(cuMemFree_v2, at);
    return NULL;
}

/* A context of 20 MiB is made while another thread's memory is charged, and not there yet (CUOTA_SIM_FAULT). */
static void own(void)
{
    handle first = 0, second = 0;
    pthread_t other;
    OK(cuCtxCreate_v2, &first, 0, 0);
    size_t start = used();
    if (pthread_create(&other, NULL, take_40, (void *)first))
        FAIL("no thread");
    while (used() < start + 40 * MIB && !over)
        ;
    OK(cuCtxCreate_v2, &second, 0, 0);
    pthread_join(other, NULL);
    expect_used(start + 20 * MIB, "two contexts");
    fill_with_linear();
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int there;
static void say(void *none) { (void)none, there = 1; }

static void wait_for_gate(void *none)
{
    (void)none;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

/* 40 MiB are freed in a stream's order, the stream got there, and nobody has asked it. */
static void free_behind(void)
{
    dptr at = 0;
    OK(cuMemAlloc_v2, &at, 40 * MIB);
    pthread_mutex_lock(&gate);
    OK(cuStreamCreate, &stream, 1);
    OK(cuLaunchHostFunc, stream, wait_for_gate, NULL);
    OK(cuMemFreeAsync, at, stream);
    OK(cuLaunchHostFunc, stream, say, NULL);
    pthread_mutex_unlock(&gate);
    while (!there)
        ;
}

static void own_behind(void)
{
    handle first = 0, second = 0;
    OK(cuCtxCreate_v2, &first, 0, 0);
    size_t start = used();
    free_behind();
    OK(cuCtxCreate_v2, &second, 0, 0);
    expect_used(start + 20 * MIB, "two contexts");
    fill_with_linear();
}

/* Managed memory, which counts whole, is on the card, and so NVML has it too. */
static void own_managed(void)
{
    handle first = 0, second = 0;
    dptr at = 0;
    OK(cuCtxCreate_v2, &first, 0, 0);
    size_t start = used();
    OK(cuMemAllocManaged, &at, 30 * MIB, 1);
    OK(cuMemPrefetchAsync, at, 30 * MIB, 0, 0);
    OK(cuCtxSynchronize);
    OK(cuCtxCreate_v2, &second, 0, 0);
    OK(make, 0, 640);
    expect_used(start + 52 * MIB, "managed memory, an array and a context more");
    OK(cuMemFree_v2, at);
    OK(cuArrayDestroy, arrays[0]);
    expect_used(start + 20 * MIB, "two contexts");
    fill_with_linear();
}

/* As many as there is room for. */
static int make_many(int from, int count)
{
    while (from < count && !make(from, 640 + from * 37 % 90 * 8))
        from++;
    return from;
}

static void array_behind(void)
{
    in_primary();
    free_behind();
    if (make_many(0, 20) < 20)
        FAIL("20 arrays find no room");
    OK(cuStreamSynchronize, stream);
    fill_with_linear();
}

static void *come_and_go(void *none)
{
    dptr at = 0;
    in_primary();
    while (!over)
        if (!ASK(cuMemAlloc_v2, &at, 20 * MIB))
            OK(cuMemFree_v2, at);
    return none;
}

static void array_beside(void)
{
    pthread_t other;
    in_primary();
    if (pthread_create(&other, NULL, come_and_go, NULL))
        FAIL("no thread");
    int made = make_many(0, 30);
    over = 1;
    pthread_join(other, NULL);
    /* How many pages they have cannot be told while another takes and gives all the time. */
    if ((made = make_many(made, 30)) < 30)
        FAIL("30 arrays find no room, but %d do", made);
    fill_all();
    fill_with_linear();
}

/* Small arrays lie in pages of small linear memory, which goes. */
static void array_left(void)
{
    dptr pairs[10][2];
    in_primary();
    for (int at = 0; at < 10; at++) {
        OK(cuMemAlloc_v2, &pairs[at][0], MIB);
        OK(cuMemAlloc_v2, &pairs[at][1], MIB - 512);
        array_3d shape = {512, 0, 0, 1, 1, 0};
        OK(cuArray3DCreate_v2, &arrays[at], &shape);
    }
    for (int at = 0; at < 10; at++) {
        OK(cuMemFree_v2, pairs[at][0]);
        OK(cuMemFree_v2, pairs[at][1]);
    }
    expect_used(20 * MIB, "ten arrays, each in a page");
    fill_with_linear();
    for (int at = 0; at < 10; at++)
        OK(cuArrayDestroy, arrays[at]);
    expect_used(0, "all gone");
}

/* An array and a small request have a page between them. */
static void array_joined(void)
{
    dptr small = 0;
    in_primary();
    OK(cuMemAlloc_v2, &small, MIB);
    OK(make, 0, 1000);
    if ((fill_all() + 1) * 2 * MIB != total())
        FAIL("not all but a page is had");
    OK(cuMemFree_v2, small);
    expect_used(2 * MIB, "the array alone");
    OK(cuArrayDestroy, arrays[0]);
    fill_with_linear();
}

static void *make_one(void *none)
{
    in_primary();
    OK(make, 0, 640);
    over = 1;
    return none;
}

/* An array's page is charged, and the driver has not taken it yet (CUOTA_SIM_FAULT): it is nobody else's. */
static void array_coming(void)
{
    pthread_t other;
    int pieces = 0;
    in_primary();
    if (pthread_create(&other, NULL, make_one, NULL))
        FAIL("no thread");
    while (used() < 2 * MIB && !over)
        ;
    while (!take(pieces))
        pieces++;
    pthread_join(other, NULL);
    if ((pieces + 1) * 2 * MIB != total())
        FAIL("%d pieces of 2 MiB are had beside an array", pieces);
    while (pieces > 0)
        OK(give, --pieces);
    OK(cuArrayDestroy, arrays[0]);
    fill_with_linear();
}

ROWS({"own-beside", own}, {"own-behind", own_behind}, {"own-managed", own_managed}, {"array-behind", array_behind},
     {"array-beside", array_beside}, {"array-left", array_left}, {"array-joined", array_joined},
     {"array-coming", array_coming})
