/* What a CUDA program that uses the driver API looks like. It needs no CUDA toolkit to build:
 *
 *     cc -o alloc alloc.c -lcuda        (-L where libcuda.so is, if the linker does not know)
 *     cuota run -- ./alloc
 *     cuota doctor --coverage -- ./alloc
 *
 * cuda.h, where there is one, declares the same functions and maps cuMemAlloc to cuMemAlloc_v2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long CUdeviceptr;

int cuInit(unsigned flags);
int cuGetErrorName(int status, const char **name);
int cuDeviceGet(int *device, int ordinal);
int cuDeviceGetName(char *name, int size, int device);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxSetCurrent(void *context);
int cuMemGetInfo_v2(size_t *free, size_t *total);
int cuMemAlloc_v2(CUdeviceptr *address, size_t bytes);
int cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes);
int cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes);
int cuMemFree_v2(CUdeviceptr address);

static void must(int status, const char *what)
{
    const char *name = "?";
    if (status == 0)
        return;
    cuGetErrorName(status, &name);
    fprintf(stderr, "%s: %d %s\n", what, status, name);
    exit(1);
}

int main(void)
{
    const size_t bytes = 64 << 20;
    char name[64], sent[] = "to the card and back", got[sizeof sent] = "";
    size_t free_bytes, total;
    CUdeviceptr memory;
    void *context;
    int device;

    must(cuInit(0), "cuInit");
    must(cuDeviceGet(&device, 0), "cuDeviceGet");
    must(cuDeviceGetName(name, sizeof name, device), "cuDeviceGetName");
    must(cuDevicePrimaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
    must(cuCtxSetCurrent(context), "cuCtxSetCurrent");
    must(cuMemAlloc_v2(&memory, bytes), "cuMemAlloc");
    must(cuMemcpyHtoD_v2(memory, sent, sizeof sent), "cuMemcpyHtoD");
    must(cuMemcpyDtoH_v2(got, memory, sizeof got), "cuMemcpyDtoH");
    must(cuMemGetInfo_v2(&free_bytes, &total), "cuMemGetInfo");
    printf("%s: holding %zu MiB, %zu of %zu MiB free\n", name, bytes >> 20, free_bytes >> 20, total >> 20);
    must(cuMemFree_v2(memory), "cuMemFree");
    must(cuDevicePrimaryCtxRelease_v2(device), "cuDevicePrimaryCtxRelease");
    return strcmp(sent, got) != 0;
}
