/* A library with a function under one of NVML's names that is none of NVML's. */
int nvmlDeviceGetMemoryInfo(void *device, void *memory)
{
    (void)device, (void)memory;
    return 4711;
}
