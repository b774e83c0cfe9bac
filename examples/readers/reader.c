/* What a ledger says, in C, by cuota.h alone: cc -std=gnu99 -I include reader.c && ./a.out FILE */
#define CUOTA_READER
#include <inttypes.h>
#include <stdio.h>

#include "cuota.h"

/* Names are whatever others wrote: nothing that could steer a terminal. */
static const char *plain(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if ((*from & 0xc0) != 0x80)
            *to++ = *from < ' ' || *from > '~' ? '?' : *from;
    *to = 0;
    return text;
}

static void device(const struct cuota_view *found)
{
    printf("device GPU-");
    for (int i = 0; i < 16; i++)
        printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", found->device.uuid[i]);
    printf(" used %" PRIu64 " limit ", found->used);
    if (found->device.limit == CUOTA_UNLIMITED)
        printf("none");
    else
        printf("%" PRIu64, found->device.limit);
    printf(" peak %" PRIu64 " launches %" PRIu64 " refusals %" PRIu64 "\n", found->peak,
           cuota_launches(&found->counts), found->device.refused);
}

int main(int count, char **arguments)
{
    struct cuota_reader reader;
    struct cuota_view view;
    struct cuota_member member;
    struct cuota_event event;
    const char *why = cuota_open(&reader, count > 1 ? arguments[1] : "");
    int found = 0;
    if (why)
        return fprintf(stderr, "no ledger this can read: %s\n", why), 1;
    printf("client %s\n", plain(reader.head.client));
    for (unsigned i = 0; i < CUOTA_LEDGER_DEVICES && (found = cuota_device_at(&reader, i, &view)) >= 0; i++)
        if (found)
            device(&view);
    for (uint64_t i = 0; found >= 0 && i < reader.places && (found = cuota_member_at(&reader, i, &member)) >= 0; i++)
        if (found)
            printf("member %" PRIu64 " pid %" PRIu64 " %s %s\n", member.owner, member.pid, plain(member.name),
                   cuota_lives(&reader, member.owner) ? "alive" : "dead");
    printf("events %" PRIu64 "\n", reader.head.written);
    struct cuota_cursor cursor = cuota_newest(&reader, 8);
    while (found >= 0 && (found = cuota_next_event(&reader, &cursor, &event, 1)) > 0)
        printf("%s by %" PRIu64 ": %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", cuota_event_name(&event), event.member,
               event.payload[0], event.payload[1], event.payload[2]);
    cuota_close(&reader);
    return found < 0;
}
