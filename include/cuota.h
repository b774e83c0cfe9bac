/* cuota.h - what cuota shares with other programs, for C.
 *
 * The tally: a file of 64-bit little-endian words in which every process that was started with
 * CUOTA_TALLY=<file> counts its driver calls. Map it read-only and read each word by itself: others
 * write it meanwhile. The layout is fixed by `mark`; a file with another mark is not a tally of this
 * version. */
#ifndef CUOTA_H
#define CUOTA_H

#include <stddef.h>
#include <stdint.h>
#ifdef CUOTA_READER
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

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
 * The functions at the end do so. Offsets of what follows the header are in bytes:
 *   4096            `members` times struct cuota_member
 *   ring_at         `events` times struct cuota_event; at the next multiple of 4096
 *   devices_at      one part of `device_bytes` for each place in the directory that is claimed, both
 *                   multiples of 65536: a struct cuota_device, then `members` + 1 times struct
 *                   cuota_lane, the last of them nobody's; then, at the next multiple of 4096,
 *                   `members` times struct cuota_counts */
#define CUOTA_LEDGER_MARK "cuotaldg"
#define CUOTA_LEDGER_VERSION 1
#define CUOTA_LEDGER_DEVICES 32
#define CUOTA_LEDGER_FEWEST_MEMBERS 64
#define CUOTA_LEDGER_MOST_MEMBERS 512
#define CUOTA_LEDGER_MOST_EVENTS 1048576
#define CUOTA_LEDGER_MOST_BYTES 268435456
#define CUOTA_LEDGER_PAGE 4096
#define CUOTA_LEDGER_APART 65536
#define CUOTA_UNLIMITED UINT64_MAX

/* The start of the file. */
struct cuota_ledger {
    char mark[8];
    uint64_t version;
    uint64_t members; /* from CUOTA_LEDGER_FEWEST_MEMBERS to CUOTA_LEDGER_MOST_MEMBERS */
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
    uint64_t drain; /* when all that were members then were told to stop; 0 if they were not */
    uint64_t unused3[6];
    uint64_t written; /* events ever written */
    uint64_t ring_bytes; /* of the ring, that are there to be read */
    uint64_t places; /* of members, that were ever taken: those beyond were never anybody's */
    uint64_t left; /* members that said that they leave; the others that are gone were killed */
    uint64_t unused4[4];
    uint64_t passed; /* how often anybody joined, claimed a device or changed a limit */
    uint64_t unused5[7];
    struct cuota_directory {
        uint8_t uuid[16];
        uint64_t claimed; /* 1 if its part is there */
        uint64_t unused;
    } directory[CUOTA_LEDGER_DEVICES];
    uint64_t unused6[192];
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
    uint64_t written; /* the incarnation that wrote all this, last */
    char name[16]; /* ends in NUL */
    uint64_t leaving; /* the incarnation that left in good order, if it did */
    uint64_t share; /* of the SMs, as asked for: thousandths of a percent, or 2^63 and a number; 0 if none */
    uint64_t gone_at; /* when the last one here to end with work in flight was known to be gone */
    uint64_t fault_of; /* the incarnation that has lost a device, if it has; the rest is about that */
    uint64_t fault_at;
    uint64_t fault; /* the driver's status + 2^32 * place in the directory + 2^48 * CUOTA_UNKNOWN … + 2^56 if by MPS */
    uint64_t fault_busy; /* members with work in flight + 2^32 * all of them */
    uint64_t fault_function; /* what its thread launched last, and where */
    uint64_t fault_stream;
    uint64_t culprit_pid; /* if it was another's work */
    char fault_call[32]; /* ends in NUL */
    char culprit[64]; /* its client; ends in NUL */
};

/* Whose work took a device from a member. */
enum {
    CUOTA_UNKNOWN = 0,
    CUOTA_CULPRIT = 1, /* its own */
    CUOTA_VICTIM = 2, /* another's */
    CUOTA_NOBODY = 3 /* the MPS server ended, or the client was ended there */
};

/* A device, at devices_at + its place in the directory * device_bytes. */
struct cuota_device {
    uint64_t total[2]; /* swapped as one: used bytes + reaps * 2^48, seq + lane * 2^48 */
    uint64_t unused1[6];
    uint64_t limit; /* bytes; CUOTA_UNLIMITED if there is none */
    uint64_t wanted; /* by the first member's environment; CUOTA_UNLIMITED - 1: nobody was asked */
    uint64_t by_command; /* 1 if `cuota set` decided the limit */
    uint64_t unused2[5];
    uint64_t peak;
    uint64_t unused3[7];
    uint8_t uuid[16];
    uint64_t bytes; /* what the device has */
    uint64_t context_bytes; /* what a context was last measured to take */
    uint64_t sms; /* all the device has; 0 if nobody could tell */
    uint64_t unused4[3];
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

/* What of a charge pools have reserved and handed out to nobody. It changes seldom, and stands for all
 * numbers from `since` on: of a lane's two notes the last that does not begin after its last even number. */
struct cuota_note {
    uint64_t since;
    int64_t bytes; /* below 0 for a moment, perhaps */
    uint64_t moment[2]; /* as in cuota_slot, signed */
};

/* What the member of the same index holds. Its number is `applied`, or the total's seq if that is
 * larger and the total names this lane. Odd or 0: it holds nothing; else slot[number / 2 % 2] says. */
struct cuota_lane {
    uint64_t owner; /* as in cuota_member */
    uint64_t heartbeat; /* when it was last known to live */
    uint64_t noticed; /* when its death was noticed */
    uint64_t granted_to; /* the incarnation that the next is about */
    uint64_t grant; /* SMs it may use; bit 32: MPS sees to it; bit 33: they are a partition, reserved */
    uint64_t blind; /* the incarnation for whose counts there was no room, if there was none */
    uint64_t stopped; /* when the owner was told to stop, once all its work here is done */
    uint64_t unused1[1];
    uint64_t applied;
    uint64_t unused2[7];
    struct cuota_slot slot[2];
    struct cuota_note note[2];
};

/* Places in cuota_block.count. */
enum {
    CUOTA_KERNELS = 0, /* launched, those of graphs left out */
    CUOTA_COOPERATIVE,
    CUOTA_GRAPHS,
    CUOTA_GRAPH_KERNELS, /* kernels of the graphs launched */
    CUOTA_WAITS, /* calls that wait for work, and the nanoseconds they took */
    CUOTA_WAITED_NS,
    CUOTA_CONTEXTS_MADE,
    CUOTA_CONTEXTS_GONE,
    CUOTA_MODULES_LOADED,
    CUOTA_MODULES_UNLOADED,
    CUOTA_FILLS,
    CUOTA_FILL_BYTES
};

/* Of copies: from where to where. */
enum {
    CUOTA_HOST_TO_DEVICE = 0,
    CUOTA_DEVICE_TO_HOST,
    CUOTA_DEVICE_TO_DEVICE,
    CUOTA_HOST_TO_HOST,
    CUOTA_PEER, /* from one context's memory to another's */
    CUOTA_UNIFIED, /* the call leaves it to the addresses */
    CUOTA_DIRECTIONS
};

/* Of memory: by which way it comes to be held. */
enum {
    CUOTA_LINEAR = 0,
    CUOTA_PITCHED,
    CUOTA_MANAGED,
    CUOTA_ARRAY,
    CUOTA_MIPMAP,
    CUOTA_VMM,
    CUOTA_POOL,
    CUOTA_GRAPH,
    CUOTA_LIMIT,
    CUOTA_DRIVER, /* what the driver takes for itself */
    CUOTA_IMPORT, /* another's, which takes nothing */
    CUOTA_WAYS
};

/* Counts, which only grow. */
struct cuota_block {
    uint64_t count[12];
    struct cuota_sum {
        uint64_t calls;
        uint64_t bytes;
    } copies[CUOTA_DIRECTIONS];
    uint64_t begun; /* calls that submit work, begun and ended */
    uint64_t ended;
    uint64_t quiet; /* how many had begun when all was known to be done */
    uint64_t faults; /* devices lost to a fault, a member's own or another's */
    uint64_t unused1[4];
    struct cuota_memory {
        struct cuota_sum taken;
        struct cuota_sum freed;
        struct cuota_sum refused;
    } memory[CUOTA_WAYS];
    uint64_t unused2[29];
    uint64_t earlier_for;
};

/* What the members of a place ever counted on a device is the sum of the blocks after the first. That
 * one says what it was when the incarnation `earlier_for` sat down. */
#define CUOTA_BLOCKS 8
struct cuota_counts {
    struct cuota_block block[CUOTA_BLOCKS];
};

/* Kinds of events, and their payload. */
enum {
    CUOTA_JOINED = 1, /* pid */
    CUOTA_LEFT = 2, /* in good order: pid */
    CUOTA_DIED = 3, /* found dead: pid, bytes given back */
    CUOTA_CONTEXT_CREATED = 4, /* handle, bytes it took */
    CUOTA_CONTEXT_DESTROYED = 5, /* handle */
    CUOTA_ALLOCATED = 6, /* bytes, address or handle, way; of 1 MiB or more */
    CUOTA_FREED = 7, /* likewise */
    CUOTA_REFUSED = 8, /* asked, limit, used */
    CUOTA_LIMIT_CHANGED = 9, /* new, old */
    CUOTA_SHARE_GRANTED = 10, /* SMs, of how many (0 if that is not known); 1: by MPS, 2: by a partition of MPS */
    CUOTA_FAULT = 11, /* status + 2^32 * CUOTA_UNKNOWN …; busy + 2^32 * members; the culprit's pid */
    CUOTA_UNTRACKED = 14 /* what the driver holds for itself: now, before */
};

/* Event n is the record n % events. It is whole if `state` is 2 * n + 2 before and after it is read and
 * `check` is right: starting with 0, for n + 1 and then each of the six words between them, exclusive-or
 * it, times 0x9e3779b97f4a7c15, rotated left by 29. */
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

#ifdef CUOTA_READER
/* A reader of ledgers: define CUOTA_READER before this file is included. It wants POSIX (_POSIX_C_SOURCE
 * of 200809L, or _GNU_SOURCE) and a compiler with integers of 128 bits. It maps and allocates nothing,
 * makes no writer wait, and whatever stands in a file, reads it and no more. Functions that answer -1
 * found the file cut short. */
__extension__ typedef unsigned __int128 cuota_wide;

struct cuota_reader {
    int file;
    uint64_t places;
    struct cuota_ledger head; /* as it was when it was last looked at */
};

/* What a member holds of a device. */
struct cuota_share {
    uint64_t owner;
    uint64_t used;
    uint64_t untracked;
    uint64_t idle; /* reserved by pools and handed out to nobody */
    cuota_wide held; /* bytes * ns, until its last sign of life */
    cuota_wide idle_held; /* those of them that were idle; signed */
    cuota_wide uncertain; /* and what it may have held between that and when its death was noticed */
};

/* A device as `cuota_device_at` found it. */
struct cuota_view {
    struct cuota_device device;
    uint64_t used; /* held by the living */
    uint64_t untracked;
    uint64_t idle;
    uint64_t peak;
    cuota_wide held; /* of all members there ever were, as are the next three */
    cuota_wide idle_held;
    cuota_wide uncertain;
    struct cuota_block counts;
};

/* A place in the ring. */
struct cuota_cursor {
    uint64_t next; /* number of the next event */
    uint64_t lost; /* events that were overwritten before they were read, or never finished */
};

static inline int cuota_copy(int file, uint64_t at, void *to, size_t bytes)
{
    char *next = (char *)to;
    while (bytes > 0) {
        ssize_t got = pread(file, next, bytes, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        next += got, at += (uint64_t)got, bytes -= (size_t)got;
    }
    return 0;
}

static inline uint64_t cuota_round(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

/* All ones if it is more: in a file that lies, anything may stand. */
static inline uint64_t cuota_sum_of(uint64_t one, uint64_t other)
{
    return one > UINT64_MAX - other ? UINT64_MAX : one + other;
}

/* Where the counts of a device's part begin. */
static inline uint64_t cuota_counts_in_part(uint64_t members)
{
    uint64_t lanes = sizeof(struct cuota_device) + (members + 1) * sizeof(struct cuota_lane);
    return cuota_round(lanes, CUOTA_LEDGER_PAGE);
}

/* Looks at the header again, and hard; NULL, or what is wrong with it. */
static inline const char *cuota_look(struct cuota_reader *reader)
{
    struct cuota_ledger *head = &reader->head;
    uint64_t ring_at, devices_at, device_bytes;
    struct stat found;
    if (fstat(reader->file, &found))
        return "it cannot be opened";
    if (!S_ISREG(found.st_mode))
        return "it is no plain file";
    if (found.st_size > CUOTA_LEDGER_MOST_BYTES)
        return "it is larger than any ledger";
    if (cuota_copy(reader->file, 0, head, sizeof *head))
        return "it is cut short";
    if (memcmp(head->mark, CUOTA_LEDGER_MARK, sizeof head->mark))
        return "it does not begin like one";
    if (head->version != CUOTA_LEDGER_VERSION)
        return "it is of another version: this reads version 1";
    if (head->members < CUOTA_LEDGER_FEWEST_MEMBERS || head->members > CUOTA_LEDGER_MOST_MEMBERS ||
        head->devices != CUOTA_LEDGER_DEVICES || head->events < 1 || head->events > CUOTA_LEDGER_MOST_EVENTS)
        return "its header contradicts itself";
    ring_at = cuota_round(sizeof *head + head->members * sizeof(struct cuota_member), CUOTA_LEDGER_PAGE);
    devices_at = cuota_round(ring_at + head->events * sizeof(struct cuota_event), CUOTA_LEDGER_APART);
    device_bytes = cuota_counts_in_part(head->members) + head->members * sizeof(struct cuota_counts);
    if (head->ring_at != ring_at || head->devices_at != devices_at ||
        head->device_bytes != cuota_round(device_bytes, CUOTA_LEDGER_APART))
        return "its header contradicts itself";
    if ((uint64_t)found.st_size < devices_at)
        return "it is cut short";
    reader->places = head->places < head->members ? head->places : head->members;
    head->client[sizeof head->client - 1] = head->labels[sizeof head->labels - 1] = 0;
    return NULL;
}

static inline void cuota_close(struct cuota_reader *reader)
{
    if (reader->file >= 0)
        close(reader->file);
    reader->file = -1;
}

/* NULL, or why the ledger cannot be read; then there is nothing to close. */
static inline const char *cuota_open(struct cuota_reader *reader, const char *path)
{
    const char *why;
    reader->file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    why = cuota_look(reader);
    if (why)
        cuota_close(reader);
    return why;
}

/* Whether the member of that incarnation lives. */
static inline int cuota_lives(const struct cuota_reader *reader, uint64_t owner)
{
#ifdef F_OFD_GETLK
    const int ask = F_OFD_GETLK;
#else
    const int ask = 36; /* Linux has it whether or not _GNU_SOURCE shows it */
#endif
    const uint64_t byte = (uint64_t)1 << 40;
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = (off_t)(owner < INT64_MAX - byte ? byte + owner : INT64_MAX);
    lock.l_len = 1;
    return fcntl(reader->file, ask, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* 1 if somebody has that place, which is below `places`; 0 if nobody. */
static inline int cuota_member_at(const struct cuota_reader *reader, uint64_t place, struct cuota_member *member)
{
    memset(member, 0, sizeof *member);
    if (place >= reader->places)
        return 0;
    if (cuota_copy(reader->file, sizeof reader->head + place * sizeof *member, member, sizeof *member))
        return -1;
    member->name[sizeof member->name - 1] = 0;
    return member->owner != 0;
}

/* Where a device's part begins; 0 if there is none in that place. */
static inline uint64_t cuota_part(const struct cuota_reader *reader, uint64_t device)
{
    if (device >= CUOTA_LEDGER_DEVICES || reader->head.directory[device].claimed != 1)
        return 0;
    return reader->head.devices_at + device * reader->head.device_bytes;
}

/* Which of two notes stands at that number; none if both began later. */
static inline const struct cuota_note *cuota_note_at(const struct cuota_note note[2], uint64_t number)
{
    const struct cuota_note *last = note[1].since > note[0].since ? &note[1] : &note[0];
    if (last->since > number)
        last = last == note ? &note[1] : &note[0];
    return last->since > number ? NULL : last;
}

/* What a lane says, given its place and the device's total. */
static inline void cuota_lane_says(const struct cuota_lane *lane, const uint64_t total[2], uint64_t place,
                                   struct cuota_share *share)
{
    const uint64_t committed = total[1] & (((uint64_t)1 << 48) - 1);
    const int is_last = total[1] >> 48 == place && committed > lane->applied;
    const uint64_t number = is_last ? committed : lane->applied;
    const struct cuota_slot *slot = &lane->slot[number / 2 % 2];
    const struct cuota_note *note = cuota_note_at(lane->note, number - number % 2);
    const uint64_t seen = slot->time > lane->heartbeat ? slot->time : lane->heartbeat;
    memset(share, 0, sizeof *share);
    share->owner = lane->owner;
    if (!number)
        return;
    share->held = (cuota_wide)slot->charge * seen - ((cuota_wide)slot->moment[1] << 64 | slot->moment[0]);
    share->uncertain = (cuota_wide)slot->uncertain[1] << 64 | slot->uncertain[0];
    if (note)
        share->idle_held = (cuota_wide)note->bytes * seen - ((cuota_wide)note->moment[1] << 64 | note->moment[0]);
    if (number % 2 == 0) {
        share->used = slot->charge, share->untracked = slot->untracked;
        if (note && note->bytes > 0)
            share->idle = (uint64_t)note->bytes < slot->charge ? (uint64_t)note->bytes : slot->charge;
    }
    else if (lane->noticed > seen)
        share->uncertain += (cuota_wide)slot->charge * (lane->noticed - seen);
}

/* Adds what the place's members ever counted on a device to `sum`; 0, or -1. */
static inline int cuota_add_counts(const struct cuota_reader *reader, uint64_t device, uint64_t place,
                                   struct cuota_block *sum)
{
    uint64_t words[sizeof *sum / 8], sums[sizeof *sum / 8], word, block;
    uint64_t at = cuota_part(reader, device);
    if (!at || place >= reader->places)
        return 0;
    at += cuota_counts_in_part(reader->head.members) + place * sizeof(struct cuota_counts);
    memcpy(sums, sum, sizeof sums);
    for (block = 1; block < CUOTA_BLOCKS; block++) {
        if (cuota_copy(reader->file, at + block * sizeof words, words, sizeof words))
            return -1;
        for (word = 0; word < sizeof sums / 8; word++)
            sums[word] += words[word];
    }
    memcpy(sum, sums, sizeof sums);
    return 0;
}

/* What all members hold of a device; 1 if it was so at one moment, 0 if writers were too fast. */
static inline int cuota_add_shares(const struct cuota_reader *reader, uint64_t at, struct cuota_view *view)
{
    struct cuota_lane lane;
    struct cuota_share share;
    uint64_t place, owner, after[2];
    memset(view, 0, sizeof *view);
    if (cuota_copy(reader->file, at, &view->device, sizeof view->device))
        return -1;
    for (place = 0; place < reader->places; place++) {
        const uint64_t member_at = sizeof reader->head + place * sizeof(struct cuota_member);
        const uint64_t lane_at = at + sizeof view->device + place * sizeof lane;
        if (cuota_copy(reader->file, lane_at, &lane, sizeof lane) ||
            cuota_copy(reader->file, member_at, &owner, sizeof owner))
            return -1;
        cuota_lane_says(&lane, view->device.total, place, &share);
        view->held += share.held;
        view->idle_held += share.idle_held;
        view->uncertain += share.uncertain;
        /* Who is dead holds nothing any more, whether or not somebody has taken it off yet. */
        if (share.used && owner && share.owner == owner && cuota_lives(reader, owner)) {
            view->used = cuota_sum_of(view->used, share.used);
            view->untracked = cuota_sum_of(view->untracked, share.untracked);
            view->idle = cuota_sum_of(view->idle, share.idle);
        }
    }
    if (cuota_copy(reader->file, at, after, sizeof after))
        return -1;
    return after[0] == view->device.total[0] && after[1] == view->device.total[1];
}

/* 1 if a device has that place in the directory; 0 if none. */
static inline int cuota_device_at(const struct cuota_reader *reader, uint64_t device, struct cuota_view *view)
{
    const uint64_t at = cuota_part(reader, device);
    uint64_t place;
    int tries, found = 0;
    for (tries = 0; at && tries < 8 && found == 0; tries++)
        found = cuota_add_shares(reader, at, view);
    if (!at || found < 0)
        return at ? -1 : 0;
    /* What the dead held was held too, until somebody takes it off. */
    view->peak = view->device.total[0] & ((UINT64_C(1) << 48) - 1);
    view->peak = view->device.peak > view->peak ? view->device.peak : view->peak;
    for (place = 0; place < reader->places; place++)
        if (cuota_add_counts(reader, device, place, &view->counts))
            return -1;
    return 1;
}

/* All kernels that were launched: alone, cooperatively, and of graphs. */
static inline uint64_t cuota_launches(const struct cuota_block *counts)
{
    return counts->count[CUOTA_KERNELS] + counts->count[CUOTA_COOPERATIVE] + counts->count[CUOTA_GRAPH_KERNELS];
}

/* What kind of event that is; NULL if this does not know it. */
static inline const char *cuota_event_name(const struct cuota_event *event)
{
    static const char *const names[] = {
        NULL, "joined", "left", "died", "context created", "context destroyed", "allocated", "freed",
        "refused", "limit changed", "share granted", "fault", NULL, NULL, "untracked"};
    uint64_t kind = event->kind & UINT32_MAX, device = event->kind >> 32;
    int known = kind < sizeof names / sizeof *names && (device < CUOTA_LEDGER_DEVICES || device == UINT32_MAX);
    return known ? names[kind] : NULL;
}

static inline int cuota_is_whole(const struct cuota_event *event, uint64_t number)
{
    uint64_t mixed = 0, words[8], word;
    memcpy(words, event, sizeof words);
    words[0] = number + 1;
    for (word = 0; word < 7; word++) {
        mixed = (mixed ^ words[word]) * UINT64_C(0x9e3779b97f4a7c15);
        mixed = mixed << 29 | mixed >> 35;
    }
    return event->state == 2 * number + 2 && event->check == mixed && cuota_event_name(event);
}

/* A cursor on the newest `earlier` events. */
static inline struct cuota_cursor cuota_newest(const struct cuota_reader *reader, uint64_t earlier)
{
    struct cuota_cursor cursor = {0, 0};
    uint64_t most = earlier < reader->head.events ? earlier : reader->head.events;
    if (reader->head.written > most)
        cursor.next = reader->head.written - most;
    return cursor;
}

/* 1 if there is a next event, the number of which was `next - 1` then; 0 if there is none yet. One that
 * is still in the making is waited for, by answering 0, unless this look is the `last`: then it is lost.
 * Whoever follows a ring calls it so when 200 ms brought nothing: its writer is dead. */
static inline int cuota_next_event(const struct cuota_reader *reader, struct cuota_cursor *cursor,
                                   struct cuota_event *event, int last)
{
    const uint64_t events = reader->head.events;
    const uint64_t written_at = offsetof(struct cuota_ledger, written);
    uint64_t written, state, at, left;
    if (cuota_copy(reader->file, written_at, &written, sizeof written))
        return -1;
    for (left = events; cursor->next < written && left > 0; left--) {
        if (written - cursor->next > events) {
            cursor->lost += written - cursor->next - events;
            cursor->next = written - events;
        }
        at = reader->head.ring_at + cursor->next % events * sizeof *event;
        if (cuota_copy(reader->file, at, event, sizeof *event) || cuota_copy(reader->file, at, &state, sizeof state))
            return -1;
        if (state == event->state && cuota_is_whole(event, cursor->next)) {
            cursor->next++;
            return 1;
        }
        if (state <= 2 * cursor->next + 2 && !last)
            return 0;
        cursor->lost++;
        cursor->next++;
    }
    return 0;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
