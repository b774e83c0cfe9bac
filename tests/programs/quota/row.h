/* What the rows' programs share: calls that are counted, what is said to be used, and which row is meant. */
#ifndef QUOTA_ROW_H
#define QUOTA_ROW_H
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "driver.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
struct row {
    const char *name;
    void (*run)(void);
    int serves; /* no row: the other process of one, or on its own */
};

/* What a planned fault (CUOTA_SIM_FAULT) makes the driver answer. */
enum { FAULT = 999, LOST = 700 };
static const char *row = "?", *mode = "";

#define FAIL(...)                                \
    do {                                         \
        fprintf(stderr, "%s %s: ", row, mode);   \
        fprintf(stderr, __VA_ARGS__);            \
        fprintf(stderr, "\n");                   \
        exit(1);                                 \
    } while (0)

/* Every call is counted: a refused one must not have reached the driver. */
static struct { const char *name; long made, refused; } asked[64];
static int drivers_own; /* A refusal now is the driver's, by another limit than the quota. */

static int counted(const char *name, int code)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    int at = 0;
    pthread_mutex_lock(&one_at_a_time);
    while (asked[at].name && strcmp(asked[at].name, name))
        at++;
    asked[at].name = name;
    asked[at].made++;
    asked[at].refused += code == OUT_OF_MEMORY && !drivers_own;
    pthread_mutex_unlock(&one_at_a_time);
    return code;
}

#define ASK(f, ...) counted(#f, f(__VA_ARGS__))
#define OK(f, ...)                                            \
    do {                                                      \
        int ok_code = ASK(f, __VA_ARGS__);                    \
        if (ok_code)                                          \
            FAIL("%s answered %d", #f, ok_code);              \
    } while (0)

static void tell_calls(void)
{
    for (int at = 0; asked[at].name; at++)
        printf("asked %s made %ld refused %ld\n", asked[at].name, asked[at].made, asked[at].refused);
}

static size_t total(void)
{
    size_t bytes = 0;
    OK(cuDeviceTotalMem_v2, &bytes, 0);
    return bytes;
}

static size_t used(void)
{
    size_t left = 0, all = 0;
    OK(cuMemGetInfo_v2, &left, &all);
    if (all != total())
        FAIL("cuMemGetInfo says %zu in all, cuDeviceTotalMem %zu", all, total());
    return all - left;
}

static void expect_used(size_t wanted, const char *when)
{
    size_t bytes = used();
    if (bytes != wanted)
        FAIL("%s: %zu bytes are said to be used, not %zu", when, bytes, wanted);
}

/* Device 0's primary context, which most rows work in. */
static inline void in_primary(void)
{
    handle context = 0;
    OK(cuDevicePrimaryCtxRetain, &context, 0);
    OK(cuCtxSetCurrent, context);
}

static int main_of(const struct row *rows, int count, int arguments, char **argument)
{
    mode = arguments > 2 ? argument[2] : "";
    for (int at = 0; at < count; at++) {
        if (arguments < 2) {
            if (!rows[at].serves)
                puts(rows[at].name);
            continue;
        }
        if (strcmp(rows[at].name, argument[1]))
            continue;
        row = rows[at].name;
        OK(cuInit, 0);
        rows[at].run();
        tell_calls();
        return 0;
    }
    return arguments < 2 ? 0 : (fprintf(stderr, "no row %s\n", argument[1]), 2);
}

#define ROWS(...)                                                                  \
    int main(int arguments, char **argument)                                       \
    {                                                                              \
        static const struct row rows[] = {__VA_ARGS__};                            \
        return main_of(rows, sizeof rows / sizeof *rows, arguments, argument);     \
    }
#endif
