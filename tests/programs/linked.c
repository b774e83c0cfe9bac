/* Linked to libcuda.so.1, as Triton's and pycuda's modules are. Also a library, with -DLIBRARY. */
#include "exercise.h"

extern result cuInit(unsigned), cuDeviceGetCount(int *), cuDeviceGet(int *, int);
extern result cuDevicePrimaryCtxRetain(void **, int), cuCtxSetCurrent(void *);
extern result cuMemAlloc_v2(dptr *, size_t), cuMemFree_v2(dptr), cuMemGetInfo_v2(size_t *, size_t *);
extern result cuMemcpyHtoD_v2(dptr, const void *, size_t), cuMemsetD8_v2(dptr, unsigned char, size_t);

static const struct { const char *name; void *function; } table[] = {
    {"cuInit", cuInit}, {"cuDeviceGetCount", cuDeviceGetCount}, {"cuDeviceGet", cuDeviceGet},
    {"cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain}, {"cuCtxSetCurrent", cuCtxSetCurrent},
    {"cuMemAlloc_v2", cuMemAlloc_v2}, {"cuMemFree_v2", cuMemFree_v2}, {"cuMemGetInfo_v2", cuMemGetInfo_v2},
    {"cuMemcpyHtoD_v2", cuMemcpyHtoD_v2}, {"cuMemsetD8_v2", cuMemsetD8_v2},
};

static void *by_link(const char *exported, const char *base, int version)
{
    (void)base, (void)version;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!__builtin_strcmp(table[i].name, exported))
            return table[i].function;
    return NULL;
}

#ifdef LIBRARY
int run(const char *open, const char *how)
{
    (void)open, (void)how;
    return exercise(by_link);
}
#else
int main(void)
{
    return exercise(by_link);
}
#endif
