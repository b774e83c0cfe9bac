/* tell FILE...: a line for each ledger, with what the reader of cuota.h makes of its sums. */
#define CUOTA_READER
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>

#include "cuota.h"

static void wide(cuota_wide sum)
{
    printf(" %016" PRIx64 "%016" PRIx64, (uint64_t)(sum >> 64), (uint64_t)sum);
}

static int tell(const struct cuota_reader *reader)
{
    struct cuota_view view;
    struct cuota_member member;
    struct cuota_event event;
    struct cuota_cursor cursor = cuota_newest(reader, UINT64_MAX);
    uint64_t i;
    int found;
    for (i = 0; i < CUOTA_LEDGER_DEVICES; i++) {
        if ((found = cuota_device_at(reader, i, &view)) < 0)
            return -1;
        if (!found)
            continue;
        printf("device %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, view.used, view.untracked, view.idle, view.peak);
        wide(view.held), wide(view.idle_held), wide(view.uncertain);
        printf(" %" PRIu64 " %" PRIu64 " %" PRIu64, cuota_launches(&view.counts), view.counts.copies[CUOTA_UNIFIED].bytes,
               view.counts.memory[CUOTA_IMPORT].refused.bytes);
        printf(" of %" PRIu64 ", ", view.device.bytes);
    }
    for (i = 0; i < reader->places; i++) {
        if ((found = cuota_member_at(reader, i, &member)) < 0)
            return -1;
        if (found)
            printf("member %" PRIu64 " %d, ", member.owner, cuota_lives(reader, member.owner));
    }
    for (i = 0; (found = cuota_next_event(reader, &cursor, &event, 1)) > 0; i++)
        printf("%s %" PRIu64 ", ", cuota_event_name(&event), event.payload[0]);
    return found < 0 ? -1 : printf("%" PRIu64 " heard\n", i);
}

int main(int count, char **arguments)
{
    struct cuota_reader reader;
    for (int i = 1; i < count; i++) {
        if (cuota_open(&reader, arguments[i])) {
            puts("refused");
            continue;
        }
        if (tell(&reader) < 0)
            puts("cut short");
        cuota_close(&reader);
    }
    return 0;
}
