/* An NVML that asks the driver's version, as some releases do, from inside its own calls. */
#include <dlfcn.h>

static int ask_driver(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    int (*version)(int *) = driver ? (int (*)(int *))dlsym(driver, "cuDriverGetVersion") : 0;
    int answer = 0;
    return !version || version(&answer) || answer < 11000;
}

int nvmlInit_v2(void) { return ask_driver(); }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    *device = (void *)0x10;
    return index != 0;
}

int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *bytes)
{
    bytes[0] = 3, bytes[1] = 2, bytes[2] = 1;
    return device != (void *)0x10 || ask_driver();
}
