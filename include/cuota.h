/* cuota.h - what cuota shares with other programs, for C.
 *
 * The tally: a file of 64-bit little-endian words in which every process that was started with
 * CUOTA_TALLY=<file> counts its driver calls. Map it read-only and read each word by itself: others
 * write it meanwhile. The layout is fixed by `mark`; a file with another mark is not a tally of this
 * version. */
#ifndef CUOTA_H
#define CUOTA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUOTA_TALLY_MARK "cuotaly1"
#define CUOTA_TALLY_TABLES 64

/* The start of the file. `records` records follow, then CUOTA_TALLY_TABLES tables. */
struct cuota_tally {
    char mark[8];
    uint64_t records;
    uint64_t tables;
    uint64_t untranslated; /* addresses the driver handed out that are not cuota's */
    uint64_t unused[4];
};

/* What stands at an entry point. */
enum { CUOTA_BODY = 1, CUOTA_ROW = 2, CUOTA_FORWARDED = 3 };

/* One entry point. */
struct cuota_tally_record {
    char name[64]; /* ends in NUL */
    uint64_t kind;
    uint64_t calls;
    uint64_t by_dlsym;  /* how often dlsym handed it out */
    uint64_t by_driver; /* how often cuGetProcAddress did */
    uint64_t asked;     /* calls that cuota made itself */
    uint64_t unused[3];
};

/* One of the driver's private tables that was asked for; all zero if unused. */
struct cuota_tally_table {
    uint8_t uuid[16];
    uint64_t asked;
    uint64_t granted;
};

/* Exported by libcuota.so; look them up with dlsym. */

/* The library's version, "0.1.0". */
typedef const char *cuota_version_function(void);

/* The index-th entry point's name, NULL past the last; *how becomes "body", "row" or "forwarded",
 * *reason why it may be forwarded, else NULL. */
typedef const char *cuota_entry_point_function(unsigned index, const char **how, const char **reason);

#ifdef __cplusplus
}
#endif
#endif
