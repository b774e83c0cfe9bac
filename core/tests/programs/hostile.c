/* hostile FILE ROUNDS SEED: the reader of cuota.h on a ledger in which anything may stand. Each round
 * writes over a few words of FILE or cuts it short, reads all that can be read, and puts the words back.
 * Built with the sanitizers, which are the judges; here only counts are compared. Prints how many
 * rounds there were, and how often the ledger was taken for one. */
#define CUOTA_READER
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>

#include "cuota.h"

#define MOST 8

static uint64_t state;

static uint64_t any(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void expect(int right, const char *what)
{
    if (!right)
        fprintf(stderr, "not so: %s\n", what), abort();
}

static uint64_t value(void)
{
    uint64_t small = any() % 256;
    switch (any() % 8) {
    case 0: return small;
    case 1: return UINT64_MAX - small;
    case 2: return (uint64_t)1 << small % 64;
    case 3: return ((uint64_t)1 << small % 64) - 1;
    case 4: return INT64_MAX - small;
    case 5: return small % 66 << 48 | any() % 8;
    case 6: return any() % 34 << 32 | small % 16;
    default: return any();
    }
}

/* A word that means something, or any. */
static uint64_t place(const struct cuota_ledger *head, uint64_t size)
{
    const uint64_t part = head->devices_at / 8;
    switch (any() % 8) {
    case 0: return any() % 16;
    case 1: return 160 + any() % 28;
    case 2: return 192 + any() % 16;
    case 3: return 512 + any() % 64;
    case 4: return head->ring_at / 8 + any() % (head->events * 8);
    case 5: return part + any() % 40;
    case 6: return part + 128 + any() % 96;
    default: return any() % (size / 8);
    }
}

static void read_all(const struct cuota_reader *reader)
{
    struct cuota_view view;
    struct cuota_member member;
    struct cuota_event event;
    uint64_t first, heard = 0, i;
    struct cuota_cursor cursor;
    expect(strlen(reader->head.client) < 64 && strlen(reader->head.labels) < 1088, "text ends");
    for (i = 0; i <= CUOTA_LEDGER_DEVICES; i++)
        if (cuota_device_at(reader, i, &view) == 1)
            expect(view.peak >= view.device.peak && i < CUOTA_LEDGER_DEVICES, "a device's peak");
    for (i = 0; i <= reader->places; i++)
        if (cuota_member_at(reader, i, &member) == 1)
            expect(strlen(member.name) < 16 && i < reader->places && cuota_lives(reader, member.owner) <= 1, "a member");
    cursor = cuota_newest(reader, value());
    first = cursor.next;
    while (heard <= reader->head.events && cuota_next_event(reader, &cursor, &event, any() % 2) == 1)
        heard++, expect(cuota_event_name(&event) != NULL, "an event has a name");
    expect(heard + cursor.lost == cursor.next - first, "every number is an event or lost");
}

/* On a ring that has gone round, and then on one whose last writer has not come to its end. */
static void follow(struct cuota_reader *reader)
{
    const uint64_t written = reader->head.written, events = reader->head.events;
    const off_t last = (off_t)(reader->head.ring_at + (written - 1) % events * sizeof(struct cuota_event));
    uint64_t heard, making, whole = 2 * written;
    int round;
    for (round = 0; round < 3; round++) {
        struct cuota_cursor cursor = {0, 0};
        struct cuota_event event;
        making = whole - (round > 0);
        expect(pwrite(reader->file, &making, 8, last) == 8, "room to write");
        for (heard = 0; cuota_next_event(reader, &cursor, &event, round == 2) == 1;)
            heard++, expect(event.state == 2 * cursor.next, "in order");
        expect(heard == events - (round > 0), "each that is there");
        expect(cursor.next == written - (round == 1), "one in the making is waited for");
        expect(written > events && cursor.lost == written - events + (round == 2), "each that was lost");
    }
    expect(pwrite(reader->file, &whole, 8, last) == 8, "room to write back");
}

int main(int count, char **arguments)
{
    const unsigned long rounds = count > 3 ? strtoul(arguments[2], NULL, 10) : 0;
    unsigned long round, readable = 0;
    struct cuota_reader reader;
    struct cuota_ledger valid;
    struct stat found;
    int file = rounds ? open(arguments[1], O_RDWR) : -1;
    expect(file >= 0 && !fstat(file, &found) && !cuota_open(&reader, arguments[1]), "a ledger to begin with");
    valid = reader.head;
    close(reader.file);
    reader.file = file;
    follow(&reader);
    state = strtoull(arguments[3], NULL, 10) * 2 + 1;
    char *image = malloc((size_t)found.st_size);
    expect(image && !cuota_copy(file, 0, image, (size_t)found.st_size), "room for a copy");
    for (round = 0; round < rounds; round++) {
        uint64_t at[MOST], changes = 1 + any() % MOST, i;
        const off_t size = any() % 8 ? found.st_size : (off_t)(any() % (uint64_t)found.st_size);
        for (i = 0; i < changes; i++) {
            uint64_t word = value();
            at[i] = 8 * place(&valid, (uint64_t)found.st_size);
            expect(pwrite(file, &word, 8, (off_t)at[i]) == 8, "room to write");
        }
        if (size < found.st_size)
            expect(!ftruncate(file, size), "a file to cut");
        if (!cuota_open(&reader, arguments[1])) {
            readable++;
            read_all(&reader);
            cuota_close(&reader);
        }
        if (size < found.st_size)
            expect(pwrite(file, image + size, (size_t)(found.st_size - size), size) == found.st_size - size, "room");
        for (i = 0; i < changes; i++)
            expect(pwrite(file, image + at[i], 8, (off_t)at[i]) == 8, "room to write back");
    }
    printf("%lu %lu\n", rounds, readable);
    free(image);
    return 0;
}
