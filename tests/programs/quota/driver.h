/* The driver's functions the rows call. Handles are words, enumerations are numbers. */
#ifndef QUOTA_DRIVER_H
#define QUOTA_DRIVER_H
#include <stddef.h>
#include <stdint.h>

typedef uint64_t dptr;
typedef uint64_t handle;
typedef struct { char bytes[64]; } ipc_handle;
typedef struct { uint64_t words[8]; } pool_export;
typedef struct { uint64_t words[18]; } sms;
typedef struct { uint32_t kind; int32_t id; } location;
typedef struct { size_t width, height; uint32_t format, channels; } array_2d;
typedef struct { size_t width, height, depth; uint32_t format, channels, flags; } array_3d;
typedef struct {
    uint32_t kind, handles;
    location where;
    size_t win32;
    uint8_t compression, rdma;
    uint16_t usage;
    uint8_t reserved[4];
} allocation;
typedef struct {
    uint32_t kind, handles;
    location where;
    size_t win32, most;
    uint8_t reserved[56];
} pool_kind;
typedef struct { pool_kind kind; size_t access, accesses, bytes; dptr address; } alloc_node;
typedef struct { uint32_t kind, reserved[3]; union { alloc_node alloc; uint64_t words[29]; } u; uint64_t end; } any_node;

enum { OUT_OF_MEMORY = 2, ON_DEVICE = 1, ON_HOST = 2, PINNED = 1, POSIX_FD = 1 };

extern int cuInit(unsigned), cuDeviceGetAttribute(int *, int, int), cuDeviceTotalMem_v2(size_t *, int);
extern int cuMemGetInfo_v2(size_t *, size_t *);

extern int cuCtxCreate_v2(handle *, unsigned, int), cuCtxCreate_v4(handle *, void *, unsigned, int);
extern int cuCtxDestroy_v2(handle), cuCtxDetach(handle), cuCtxSetCurrent(handle), cuCtxSynchronize(void);
extern int cuCtxGetLimit(size_t *, unsigned), cuCtxSetLimit(unsigned, size_t);
extern int cuDevicePrimaryCtxRetain(handle *, int), cuDevicePrimaryCtxRelease_v2(int), cuDevicePrimaryCtxReset_v2(int);

extern int cuDeviceGetDevResource(int, sms *, int), cuDevResourceGenerateDesc(void **, sms *, unsigned);
extern int cuGreenCtxCreate(handle *, void *, int, unsigned), cuGreenCtxDestroy(handle), cuCtxFromGreenCtx(handle *, handle);

extern int cuMemAlloc_v2(dptr *, size_t), cuMemFree_v2(dptr);
extern int cuMemAllocPitch_v2(dptr *, size_t *, size_t, size_t, unsigned);
extern int cuMemAllocManaged(dptr *, size_t, unsigned), cuMemPrefetchAsync(dptr, size_t, int, handle);
extern int cuMemAllocHost_v2(void **, size_t), cuMemHostAlloc(void **, size_t, unsigned), cuMemFreeHost(void *);
extern int cuMemHostRegister_v2(void *, size_t, unsigned), cuMemHostUnregister(void *);
extern int cuMemsetD8_v2(dptr, unsigned char, size_t);

extern int cuMemCreate(handle *, size_t, const allocation *, uint64_t), cuMemRelease(handle);
extern int cuMemAddressReserve(dptr *, size_t, size_t, dptr, uint64_t), cuMemAddressFree(dptr, size_t);
extern int cuMemMap(dptr, size_t, size_t, handle, uint64_t), cuMemUnmap(dptr, size_t);
extern int cuMemSetAccess(dptr, size_t, const void *, size_t);
extern int cuMemRetainAllocationHandle(handle *, dptr);
extern int cuMemExportToShareableHandle(int *, handle, unsigned, uint64_t);
extern int cuMemImportFromShareableHandle(handle *, size_t, unsigned);

extern int cuMemAllocAsync(dptr *, size_t, handle), cuMemAllocAsync_ptsz(dptr *, size_t, handle);
extern int cuMemAllocFromPoolAsync(dptr *, size_t, handle, handle), cuMemAllocFromPoolAsync_ptsz(dptr *, size_t, handle, handle);
extern int cuMemFreeAsync(dptr, handle), cuMemFreeAsync_ptsz(dptr, handle);
extern int cuMemPoolCreate(handle *, const pool_kind *), cuMemPoolDestroy(handle), cuMemPoolTrimTo(handle, size_t);
extern int cuMemPoolSetAttribute(handle, unsigned, void *), cuMemPoolGetAttribute(handle, unsigned, void *);
extern int cuDeviceGetDefaultMemPool(handle *, int), cuDeviceGetMemPool(handle *, int), cuDeviceSetMemPool(int, handle);
extern int cuMemGetDefaultMemPool(handle *, const location *, unsigned), cuMemGetMemPool(handle *, const location *, unsigned);
extern int cuMemSetMemPool(const location *, unsigned, handle);
extern int cuMemPoolExportToShareableHandle(int *, handle, unsigned, uint64_t);
extern int cuMemPoolImportFromShareableHandle(handle *, size_t, unsigned, uint64_t);
extern int cuMemPoolExportPointer(pool_export *, dptr), cuMemPoolImportPointer(dptr *, handle, pool_export *);

extern int cuStreamCreate(handle *, unsigned), cuStreamSynchronize(handle);
extern int cuLaunchHostFunc(handle, void (*)(void *), void *);
extern int cuStreamBeginCapture_v2(handle, unsigned), cuStreamEndCapture(handle, handle *);
extern int cuEventCreate(handle *, unsigned), cuEventRecord(handle, handle), cuEventSynchronize(handle), cuEventDestroy_v2(handle);

extern int cuGraphCreate(handle *, unsigned), cuGraphDestroy(handle), cuGraphExecDestroy(handle);
extern int cuGraphInstantiateWithFlags(handle *, handle, uint64_t), cuGraphInstantiateWithParams(handle *, handle, void *);
extern int cuGraphInstantiateWithParams_ptsz(handle *, handle, void *);
extern int cuGraphLaunch(handle, handle), cuGraphLaunch_ptsz(handle, handle);
extern int cuGraphUpload(handle, handle), cuGraphUpload_ptsz(handle, handle);
extern int cuGraphAddMemAllocNode(handle *, handle, const handle *, size_t, alloc_node *);
extern int cuGraphAddMemFreeNode(handle *, handle, const handle *, size_t, dptr);
extern int cuGraphAddChildGraphNode(handle *, handle, const handle *, size_t, handle);
extern int cuGraphAddMemsetNode(handle *, handle, const handle *, size_t, const void *, handle);
extern int cuGraphAddNode(handle *, handle, const handle *, size_t, any_node *);
extern int cuGraphAddNode_v2(handle *, handle, const handle *, const void *, size_t, any_node *);
extern int cuGraphAddNode_v3(handle *, handle, const handle *, const void *, size_t, any_node *);
extern int cuDeviceGraphMemTrim(int), cuDeviceGetGraphMemAttribute(int, unsigned, void *), cuDeviceSetGraphMemAttribute(int, unsigned, void *);

extern int cuArrayCreate_v2(handle *, const array_2d *), cuArray3DCreate_v2(handle *, const array_3d *), cuArrayDestroy(handle);
extern int cuMipmappedArrayCreate(handle *, const array_3d *, unsigned), cuMipmappedArrayDestroy(handle);
extern int cuMipmappedArrayGetLevel(handle *, handle, unsigned);
extern int cuMemMapArrayAsync(void *, unsigned, handle), cuMemMapArrayAsync_ptsz(void *, unsigned, handle);

extern int cuIpcGetMemHandle(ipc_handle *, dptr), cuIpcCloseMemHandle(dptr);
extern int cuIpcOpenMemHandle(dptr *, ipc_handle, unsigned), cuIpcOpenMemHandle_v2(dptr *, ipc_handle, unsigned);
extern int cuImportExternalMemory(handle *, const void *), cuDestroyExternalMemory(handle);
extern int cuExternalMemoryGetMappedBuffer(dptr *, handle, const void *);
extern int cuExternalMemoryGetMappedMipmappedArray(handle *, handle, const void *);

extern int cuModuleLoad(handle *, const char *), cuModuleLoadData(handle *, const void *), cuModuleLoadFatBinary(handle *, const void *);
extern int cuModuleLoadDataEx(handle *, const void *, unsigned, void *, void *), cuModuleUnload(handle);
extern int cuModuleGetGlobal_v2(dptr *, size_t *, handle, const char *);
extern int cuLibraryLoadData(handle *, const void *, void *, void *, unsigned, void *, void *, unsigned);
extern int cuLibraryLoadFromFile(handle *, const char *, void *, void *, unsigned, void *, void *, unsigned);
extern int cuLibraryUnload(handle), cuLibraryGetModule(handle *, handle), cuLibraryGetKernel(handle *, handle, const char *);
extern int cuLibraryGetGlobal(dptr *, size_t *, handle, const char *), cuLibraryGetManaged(dptr *, size_t *, handle, const char *);
extern int cuKernelGetFunction(handle *, handle);
extern int cuLinkCreate_v2(unsigned, void *, void *, handle *), cuLinkDestroy(handle), cuLinkComplete(handle, void **, size_t *);
extern int cuLinkAddData_v2(handle, unsigned, void *, size_t, const char *, unsigned, void *, void *);
extern int cuLinkAddFile_v2(handle, unsigned, const char *, unsigned, void *, void *);
#endif
