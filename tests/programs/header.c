/* header FILE: reads a tally by cuota.h alone and prints what was called.
 * header: prints where everything of a ledger is, one line a field. */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cuota.h"

static_assert(sizeof(struct cuota_tally) == 64 && offsetof(struct cuota_tally, untranslated) == 24, "header");
static_assert(sizeof(struct cuota_tally_record) == 128, "record");
static_assert(offsetof(struct cuota_tally_record, kind) == 64, "kind");
static_assert(offsetof(struct cuota_tally_record, by_driver) == 88, "by_driver");
static_assert(sizeof(struct cuota_tally_table) == 32, "table");

#define SIZE(type) printf(#type " %zu\n", sizeof(struct cuota_##type))
#define AT(type, field) printf(#type "." #field " %zu\n", offsetof(struct cuota_##type, field))
#define NUMBER(name) printf(#name " %llu\n", (unsigned long long)CUOTA_##name)

static int ledger(void)
{
    printf("mark %s\n", CUOTA_LEDGER_MARK);
    NUMBER(LEDGER_VERSION), NUMBER(LEDGER_DEVICES), NUMBER(LEDGER_FEWEST_MEMBERS);
    NUMBER(LEDGER_MOST_MEMBERS), NUMBER(LEDGER_MOST_EVENTS), NUMBER(LEDGER_MOST_BYTES);
    NUMBER(LEDGER_PAGE), NUMBER(LEDGER_APART), NUMBER(UNLIMITED), NUMBER(BLOCKS);
    SIZE(ledger), AT(ledger, mark), AT(ledger, version), AT(ledger, members), AT(ledger, devices);
    AT(ledger, events), AT(ledger, ring_at), AT(ledger, devices_at), AT(ledger, device_bytes);
    AT(ledger, epoch), AT(ledger, created_wall), AT(ledger, created_boot), AT(ledger, boot_id);
    AT(ledger, owner), AT(ledger, client), AT(ledger, labels), AT(ledger, last_id);
    AT(ledger, generation), AT(ledger, drain), AT(ledger, written), AT(ledger, ring_bytes), AT(ledger, places);
    AT(ledger, left), AT(ledger, passed);
    AT(ledger, directory);
    SIZE(directory), AT(directory, uuid), AT(directory, claimed);
    SIZE(member), AT(member, owner), AT(member, pid), AT(member, start), AT(member, pid_namespace);
    AT(member, user), AT(member, joined), AT(member, settled), AT(member, written);
    AT(member, name), AT(member, leaving), AT(member, share);
    AT(member, gone_at), AT(member, fault_of), AT(member, fault_at), AT(member, fault), AT(member, fault_busy);
    AT(member, fault_function), AT(member, fault_stream), AT(member, culprit_pid), AT(member, fault_call);
    AT(member, culprit);
    SIZE(device), AT(device, total), AT(device, limit), AT(device, wanted), AT(device, by_command);
    AT(device, peak), AT(device, uuid), AT(device, bytes), AT(device, context_bytes), AT(device, sms);
    AT(device, refused), AT(device, refused_bytes);
    SIZE(lane), AT(lane, owner), AT(lane, applied), AT(lane, heartbeat), AT(lane, noticed), AT(lane, granted_to), AT(lane, grant), AT(lane, blind), AT(lane, stopped);
    AT(lane, slot), AT(lane, note);
    SIZE(slot), AT(slot, charge), AT(slot, untracked), AT(slot, time), AT(slot, moment);
    AT(slot, uncertain);
    SIZE(note), AT(note, since), AT(note, bytes), AT(note, moment);
    SIZE(sum), AT(sum, calls), AT(sum, bytes);
    SIZE(memory), AT(memory, taken), AT(memory, freed), AT(memory, refused);
    SIZE(block), AT(block, count), AT(block, copies), AT(block, begun), AT(block, ended), AT(block, quiet), AT(block, faults), AT(block, memory), AT(block, earlier_for);
    SIZE(counts), AT(counts, block);
    SIZE(event), AT(event, state), AT(event, time), AT(event, member), AT(event, kind);
    AT(event, payload), AT(event, check);
    NUMBER(KERNELS), NUMBER(COOPERATIVE), NUMBER(GRAPHS), NUMBER(GRAPH_KERNELS), NUMBER(WAITS);
    NUMBER(WAITED_NS), NUMBER(CONTEXTS_MADE), NUMBER(CONTEXTS_GONE), NUMBER(MODULES_LOADED);
    NUMBER(MODULES_UNLOADED), NUMBER(FILLS), NUMBER(FILL_BYTES);
    NUMBER(HOST_TO_DEVICE), NUMBER(DEVICE_TO_HOST), NUMBER(DEVICE_TO_DEVICE), NUMBER(HOST_TO_HOST);
    NUMBER(PEER), NUMBER(UNIFIED), NUMBER(DIRECTIONS);
    NUMBER(LINEAR), NUMBER(PITCHED), NUMBER(MANAGED), NUMBER(ARRAY), NUMBER(MIPMAP), NUMBER(VMM);
    NUMBER(POOL), NUMBER(GRAPH), NUMBER(LIMIT), NUMBER(DRIVER), NUMBER(IMPORT), NUMBER(WAYS);
    NUMBER(JOINED), NUMBER(LEFT), NUMBER(DIED), NUMBER(CONTEXT_CREATED), NUMBER(CONTEXT_DESTROYED);
    NUMBER(ALLOCATED), NUMBER(FREED), NUMBER(REFUSED), NUMBER(LIMIT_CHANGED), NUMBER(SHARE_GRANTED), NUMBER(FAULT);
    NUMBER(UNTRACKED), NUMBER(UNKNOWN), NUMBER(CULPRIT), NUMBER(VICTIM), NUMBER(NOBODY);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 1)
        return ledger();
    struct stat file;
    int descriptor = count > 1 ? open(arguments[1], O_RDONLY) : -1;
    if (descriptor < 0 || fstat(descriptor, &file))
        return 9;
    const struct cuota_tally *tally = mmap(NULL, file.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (tally == MAP_FAILED || memcmp(tally->mark, CUOTA_TALLY_MARK, sizeof tally->mark))
        return 8;
    const struct cuota_tally_record *records = (const void *)(tally + 1);
    const struct cuota_tally_table *tables = (const void *)(records + tally->records);
    if ((const char *)(tables + tally->tables) != (const char *)tally + file.st_size)
        return 7;
    for (uint64_t i = 0; i < tally->records; i++)
        if (records[i].calls)
            printf("%s %u %llu %llu %llu\n", records[i].name, (unsigned)records[i].kind,
                   (unsigned long long)records[i].calls, (unsigned long long)records[i].by_dlsym,
                   (unsigned long long)records[i].by_driver);
    for (uint64_t i = 0; i < tally->tables; i++)
        if (tables[i].asked)
            printf("table %02x %llu\n", tables[i].uuid[0], (unsigned long long)tables[i].asked);
    return 0;
}
