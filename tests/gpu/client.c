/* A client of the driver: client HOW PTX. HOW it comes by the driver's functions is dlsym,
 * cuGetProcAddress (11.3), cuGetProcAddress_v2 (12.0), or, compiled with -DLINKED, linked. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int result;
typedef uint64_t dptr;

/* As exported; as cuGetProcAddress has it, and since which version; argument types. */
#define FUNCTIONS(X)                                                                            \
    X(cuInit, "cuInit", 2000, (unsigned))                                                       \
    X(cuDriverGetVersion, "cuDriverGetVersion", 2020, (int *))                                  \
    X(cuDeviceGet, "cuDeviceGet", 2000, (int *, int))                                           \
    X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", 7000, (void **, int))               \
    X(cuDevicePrimaryCtxRelease_v2, "cuDevicePrimaryCtxRelease", 11000, (int))                  \
    X(cuCtxSetCurrent, "cuCtxSetCurrent", 4000, (void *))                                       \
    X(cuCtxSynchronize, "cuCtxSynchronize", 2000, (void))                                       \
    X(cuModuleLoadData, "cuModuleLoadData", 2000, (void **, const void *))                      \
    X(cuModuleGetFunction, "cuModuleGetFunction", 2000, (void **, void *, const char *))        \
    X(cuModuleUnload, "cuModuleUnload", 2000, (void *))                                         \
    X(cuMemAlloc_v2, "cuMemAlloc", 3020, (dptr *, size_t))                                      \
    X(cuMemFree_v2, "cuMemFree", 3020, (dptr))                                                  \
    X(cuMemcpyHtoD_v2, "cuMemcpyHtoD", 3020, (dptr, const void *, size_t))                      \
    X(cuMemcpyDtoH_v2, "cuMemcpyDtoH", 3020, (void *, dptr, size_t))                            \
    X(cuLaunchKernel, "cuLaunchKernel", 4000,                                                   \
      (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *,    \
       void **, void **))

#ifdef LINKED
#define DECLARE(name, base, version, types) extern result name types;
FUNCTIONS(DECLARE)

static const char *resolve(const char *how)
{
    return strcmp(how, "linked") ? how : NULL;
}
#else
#define DECLARE(name, base, version, types) static result(*name) types;
FUNCTIONS(DECLARE)

/* Answers what could not be found, or NULL. */
static const char *resolve(const char *how)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver)
        return dlerror();
    /* The older one has no place for a status, and does not look for one. */
    result (*ask)(const char *, void *, int, uint64_t, int *) = NULL;
    if (strcmp(how, "dlsym") && !(*(void **)&ask = dlsym(driver, how)))
        return how;
    int status;
#define RESOLVE(name, base, version, types)                                                     \
    if (!ask)                                                                                   \
        *(void **)&name = dlsym(driver, #name);                                                 \
    else if (ask(base, &name, version, 0, &status))                                             \
        return #name;                                                                           \
    if (!name)                                                                                  \
        return #name;
    FUNCTIONS(RESOLVE)
    return NULL;
}
#endif

#define DO(call)                                                                                \
    do {                                                                                        \
        result status = call;                                                                   \
        if (status) {                                                                           \
            fprintf(stderr, "%s: %d\n", #call, status);                                         \
            return 1;                                                                           \
        }                                                                                       \
    } while (0)

int main(int count, char **arguments)
{
    static char ptx[4096];
    FILE *file = count == 3 ? fopen(arguments[2], "r") : NULL;
    if (!file || !fread(ptx, 1, sizeof ptx - 1, file))
        return 9;
    const char *lacking = resolve(arguments[1]);
    if (lacking) {
        fprintf(stderr, "not found: %s\n", lacking);
        return 2;
    }
    int version, device;
    uint32_t numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    dptr there;
    void *context, *module, *function, *parameters[] = {&there};
    DO(cuInit(0));
    DO(cuDriverGetVersion(&version));
    DO(cuDeviceGet(&device, 0));
    DO(cuDevicePrimaryCtxRetain(&context, device));
    DO(cuCtxSetCurrent(context));
    DO(cuModuleLoadData(&module, ptx));
    DO(cuModuleGetFunction(&function, module, "twice"));
    DO(cuMemAlloc_v2(&there, sizeof numbers));
    DO(cuMemcpyHtoD_v2(there, numbers, sizeof numbers));
    DO(cuLaunchKernel(function, 1, 1, 1, 8, 1, 1, 0, NULL, parameters, NULL));
    DO(cuCtxSynchronize());
    DO(cuMemcpyDtoH_v2(numbers, there, sizeof numbers));
    DO(cuMemFree_v2(there));
    DO(cuModuleUnload(module));
    DO(cuDevicePrimaryCtxRelease_v2(device));
    printf("driver API %d\n", version);
    for (int i = 0; i < 8; i++)
        printf("%u ", numbers[i]);
    puts("");
    return 0;
}
