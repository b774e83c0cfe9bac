/* What the simulated driver was asked. */
#ifndef QUOTA_DRIVEN_H
#define QUOTA_DRIVEN_H
#include "row.h"

/* How often the simulated driver was called by that name, by its own count. */
static inline uint64_t driven(const char *name)
{
    char path[4096], line[128];
    uint64_t count = 0;
    long at = 0, found = -1;
    snprintf(path, sizeof path, "%s/names", getenv("CUOTA_SIM"));
    FILE *names = fopen(path, "r");
    while (names && found < 0 && fgets(line, sizeof line, names))
        if (line[strcspn(line, "\n")] = 0, !strcmp(line, name))
            found = at;
        else
            at++;
    snprintf(path, sizeof path, "%s/calls", getenv("CUOTA_SIM"));
    FILE *calls = fopen(path, "r");
    if (!names || found < 0 || !calls || fseek(calls, found * 8, SEEK_SET) || fread(&count, 8, 1, calls) != 1)
        FAIL("the driver's count of %s cannot be read", name);
    fclose(names), fclose(calls);
    return count;
}
#endif
