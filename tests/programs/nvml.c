/* NVML by dlopen and dlsym, as pynvml does. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
    if (!library)
        return 8;
    int (*init)(void) = dlsym(library, "nvmlInit_v2");
    int (*by_index)(unsigned, void **) = dlsym(library, "nvmlDeviceGetHandleByIndex_v2");
    int (*memory)(void *, unsigned long long *) = dlsym(library, "nvmlDeviceGetMemoryInfo");
    void *missing = dlsym(library, "nvmlDeviceGetNoSuchThing");
    const char *said = dlerror();
    char error[200] = "no error";
    if (said)
        strncpy(error, said, sizeof error - 1);
    void *device = NULL;
    unsigned long long bytes[3] = {0};
    if (!init || !by_index || !memory || init() || by_index(0, &device))
        return 7;
    int status = memory(device, bytes) || memory(device, bytes);
    printf("%d %llu bytes, %s, %s\n", status, bytes[0], missing ? "found" : "missing", error);
    return status;
}
