/* header FILE: reads a tally by cuota.h alone and prints what was called. */
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

int main(int count, char **arguments)
{
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
