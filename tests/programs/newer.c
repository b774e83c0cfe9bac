/* A driver newer than our list: a function that looks like an allocator, another, and little else. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

int cuInit(unsigned flags) { return flags != 0; }
int cuDriverGetVersion(int *version) { *version = 99000; return 0; }
int cuMemAllocSomehow(void) { return 77; }
int cuPaintCard(void) { return 78; }

int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status)
{
    (void)version, (void)flags;
    *function = !strcmp(name, "cuInit") ? (void *)cuInit : !strcmp(name, "cuPaintCard") ? (void *)cuPaintCard : NULL;
    if (status)
        *status = *function ? 0 : 1;
    return 0;
}
