/* The driver's functions that the member uses, found at run time: nothing is linked. */
#ifndef MEMBER_DRIVER_H
#define MEMBER_DRIVER_H
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t dptr;
typedef struct object *handle; /* of any kind */
enum { OUT_OF_MEMORY = 2, PINNED = 1, DEVICE = 1, READ_WRITE = 3, GLOBAL = 1, FLOAT = 0x20 };

struct place {
    uint32_t kind;
    int32_t device;
};
struct physical { /* CUmemAllocationProp */
    uint32_t kind, handles;
    struct place place;
    void *win32;
    uint8_t flags[8];
};
struct pool_kind { /* CUmemPoolProps */
    uint32_t kind, handles;
    struct place place;
    void *win32;
    size_t most;
    uint8_t reserved[56];
};
struct access {
    struct place place;
    uint32_t rights;
};
struct alloc_node { /* CUDA_MEM_ALLOC_NODE_PARAMS */
    struct pool_kind pool;
    const struct access *access;
    size_t accesses, bytes;
    dptr at;
};
struct flat { /* CUDA_ARRAY_DESCRIPTOR */
    size_t width, height;
    uint32_t format, channels;
};
struct deep { /* CUDA_ARRAY3D_DESCRIPTOR */
    size_t width, height, depth;
    uint32_t format, channels, flags;
};

#define FUNCTIONS(X)                                                              \
    X(cuInit, (unsigned))                                                         \
    X(cuDeviceGet, (int *, int))                                                  \
    X(cuDeviceGetAttribute, (int *, int, int))                                    \
    X(cuDeviceTotalMem_v2, (size_t *, int))                                       \
    X(cuDevicePrimaryCtxRetain, (handle *, int))                                  \
    X(cuCtxSetCurrent, (handle))                                                  \
    X(cuCtxSynchronize, (void))                                                   \
    X(cuMemGetInfo_v2, (size_t *, size_t *))                                      \
    X(cuStreamCreate, (handle *, unsigned))                                       \
    X(cuStreamSynchronize, (handle))                                              \
    X(cuModuleLoadData, (handle *, const void *))                                 \
    X(cuModuleGetFunction, (handle *, handle, const char *))                      \
    X(cuLaunchKernel, (handle, unsigned, unsigned, unsigned, unsigned, unsigned,  \
                       unsigned, unsigned, handle, void **, void **))             \
    X(cuLaunchCooperativeKernel, (handle, unsigned, unsigned, unsigned, unsigned, unsigned, \
                                  unsigned, unsigned, handle, void **))           \
    X(cuLaunchHostFunc, (handle, void (*)(void *), void *))                       \
    X(cuMemcpyHtoD_v2, (dptr, const void *, size_t))                              \
    X(cuMemcpyDtoD_v2, (dptr, dptr, size_t))                                      \
    X(cuMemcpyDtoH_v2, (void *, dptr, size_t))                                    \
    X(cuMemAlloc_v2, (dptr *, size_t))                                            \
    X(cuMemAllocPitch_v2, (dptr *, size_t *, size_t, size_t, unsigned))           \
    X(cuMemAllocManaged, (dptr *, size_t, unsigned))                              \
    X(cuMemsetD8_v2, (dptr, unsigned char, size_t))                               \
    X(cuMemFree_v2, (dptr))                                                       \
    X(cuMemAllocAsync, (dptr *, size_t, handle))                                  \
    X(cuMemAllocFromPoolAsync, (dptr *, size_t, handle, handle))                  \
    X(cuMemFreeAsync, (dptr, handle))                                             \
    X(cuDeviceGetDefaultMemPool, (handle *, int))                                 \
    X(cuMemPoolCreate, (handle *, const struct pool_kind *))                      \
    X(cuMemPoolTrimTo, (handle, size_t))                                          \
    X(cuMemCreate, (uint64_t *, size_t, const struct physical *, uint64_t))       \
    X(cuMemRelease, (uint64_t))                                                   \
    X(cuMemAddressReserve, (dptr *, size_t, size_t, dptr, uint64_t))              \
    X(cuMemAddressFree, (dptr, size_t))                                           \
    X(cuMemMap, (dptr, size_t, size_t, uint64_t, uint64_t))                       \
    X(cuMemUnmap, (dptr, size_t))                                                 \
    X(cuMemSetAccess, (dptr, size_t, const struct access *, size_t))              \
    X(cuArrayCreate_v2, (handle *, const struct flat *))                          \
    X(cuArrayDestroy, (handle))                                                   \
    X(cuMipmappedArrayCreate, (handle *, const struct deep *, unsigned))          \
    X(cuMipmappedArrayDestroy, (handle))                                          \
    X(cuGraphCreate, (handle *, unsigned))                                        \
    X(cuGraphAddMemAllocNode, (handle *, handle, const handle *, size_t, struct alloc_node *)) \
    X(cuGraphInstantiateWithFlags, (handle *, handle, uint64_t))                  \
    X(cuGraphLaunch, (handle, handle))                                            \
    X(cuGraphExecDestroy, (handle))                                               \
    X(cuGraphDestroy, (handle))                                                   \
    X(cuDeviceGraphMemTrim, (int))

#define DECLARE(name, types) extern int(*name) types;
FUNCTIONS(DECLARE)
#undef DECLARE

/* The first name that is missing, or NULL. Drivers before CUDA 11.4 lack some. */
const char *find_driver(void);

/* Ends the process with a word to standard error if the call fails. */
#define DO(call) must(call, #call)
void must(int code, const char *what);
#endif
