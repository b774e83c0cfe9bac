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

/* The ledger: <client>.v<CUOTA_LEDGER_VERSION>.cuota, which is the client's accounting while its members
 * write it. Copy what is needed with pread and believe none of it; never map a file of somebody else.
 * Offsets of what follows the header are in bytes, and multiples of 4096:
 *   4096            `members` times struct cuota_member
 *   ring_at         `events` times struct cuota_event
 *   devices_at      one part of `device_bytes` for each place in the directory that is claimed: a
 *                   struct cuota_device, then `members` + 1 times struct cuota_lane, the last of them
 *                   nobody's */
#define CUOTA_LEDGER_MARK "cuotaldg"
#define CUOTA_LEDGER_VERSION 1
#define CUOTA_LEDGER_DEVICES 32

/* The start of the file. */
struct cuota_ledger {
    char mark[8];
    uint64_t version;
    uint64_t members; /* 64 to 512 */
    uint64_t devices; /* CUOTA_LEDGER_DEVICES */
    uint64_t events;
    uint64_t ring_at;
    uint64_t devices_at;
    uint64_t device_bytes;
    uint64_t epoch; /* another for every ledger: counters count from its beginning */
    uint64_t created_wall; /* nanoseconds since 1970 */
    uint64_t created_boot; /* and since boot, as all times below */
    uint64_t boot_id[2];
    uint64_t owner; /* user */
    uint64_t unused1[2];
    char client[64]; /* these two end in NUL */
    char labels[1088];
    uint64_t last_id; /* the last incarnation given out */
    uint64_t unused2[7];
    uint64_t generation; /* rises when a limit changes */
    uint64_t unused3[7];
    uint64_t written; /* events ever written */
    uint64_t ring_bytes; /* of the ring, that are there to be read */
    uint64_t unused4[14];
    struct cuota_directory {
        uint8_t uuid[16];
        uint64_t claimed; /* 1 if its part is there */
        uint64_t unused;
    } directory[CUOTA_LEDGER_DEVICES];
    uint64_t unused5[192];
};

/* A process. It lives while somebody holds a lock (F_OFD_GETLK) on byte 2^40 + owner of the file. */
struct cuota_member {
    uint64_t owner; /* its incarnation, never given twice; 0 if nobody's */
    uint64_t pid;   /* as it sees itself in its PID namespace, as are the next two */
    uint64_t start; /* clock ticks since boot */
    uint64_t pid_namespace; /* inode */
    uint64_t user;
    uint64_t joined;
    uint64_t settled; /* 1 once its limits were compared with those in force */
    uint64_t unused1;
    char name[16]; /* ends in NUL */
    uint64_t unused2[22];
};

/* A device, at devices_at + its place in the directory * device_bytes. */
struct cuota_device {
    uint64_t total[2]; /* swapped as one: used bytes + reaps * 2^48, seq + lane * 2^48 */
    uint64_t unused1[6];
    uint64_t limit; /* bytes; UINT64_MAX if there is none */
    uint64_t wanted; /* what the first member's environment asked for */
    uint64_t by_command; /* 1 if `cuota set` decided the limit */
    uint64_t unused2[5];
    uint64_t peak;
    uint64_t unused3[7];
    uint8_t uuid[16];
    uint64_t bytes; /* what the device has */
    uint64_t context_bytes; /* what a context was last measured to take */
    uint64_t unused4[4];
    uint64_t refused; /* how often, and how much was asked for */
    uint64_t refused_bytes;
    uint64_t unused5[94];
};

/* What a lane says as of one commit. */
struct cuota_slot {
    uint64_t charge; /* bytes held */
    uint64_t untracked; /* how many of them the driver took for itself */
    uint64_t time;
    uint64_t moment[2]; /* low, high: held until `time` are charge * time - moment bytes * ns */
    uint64_t uncertain[2]; /* bytes * ns that the dead may have held besides */
    uint64_t unused;
};

/* What the member of the same index holds. Its number is `applied`, or the total's seq if that is
 * larger and the total names this lane. Odd or 0: it holds nothing; else slot[number / 2 % 2] says. */
struct cuota_lane {
    uint64_t owner; /* as in cuota_member */
    uint64_t heartbeat; /* when it was last known to live */
    uint64_t noticed; /* when its death was noticed */
    uint64_t unused1[5];
    uint64_t applied;
    uint64_t unused2[7];
    struct cuota_slot slot[2];
};

enum {
    CUOTA_JOINED = 1, /* pid */
    CUOTA_DIED = 3,
    CUOTA_REFUSED = 8, /* asked, limit, used */
    CUOTA_LIMIT_CHANGED = 9, /* new, old */
    CUOTA_UNTRACKED = 14 /* now, before */
};

/* Event n is the record n % events. It is whole if `state` is 2 * n + 2 before and after it is read and
 * `check` is right: starting with n + 1, for each of the six words between them, exclusive-or it, times
 * 0x9e3779b97f4a7c15, rotated left by 29. */
struct cuota_event {
    uint64_t state;
    uint64_t time;
    uint64_t member; /* incarnation; 0 if none */
    uint64_t kind; /* + place in the directory * 2^32, UINT32_MAX if of no device */
    uint64_t payload[3];
    uint64_t check;
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
