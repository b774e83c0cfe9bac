/* One allocation, and a free of what was never allocated. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

extern int cuInit(unsigned), cuDevicePrimaryCtxRetain(void **, int), cuCtxSetCurrent(void *);
extern int cuMemAlloc_v2(uint64_t *, size_t), cuMemFree_v2(uint64_t);

int main(void)
{
    void *context = NULL;
    uint64_t pointer = 0;
    if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context))
        return 9;
    int alloc = cuMemAlloc_v2(&pointer, 4096), freed = cuMemFree_v2(12345);
    printf("alloc %d free %d\n", alloc, freed);
    return 0;
}
