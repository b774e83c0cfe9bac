/* cudart LIBRARY: opens NVIDIA's runtime and makes it initialise. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    void *runtime = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    if (!runtime) {
        fprintf(stderr, "%s\n", dlerror());
        return 9;
    }
    int (*devices)(int *) = dlsym(runtime, "cudaGetDeviceCount");
    int (*version)(int *) = dlsym(runtime, "cudaDriverGetVersion");
    int (*allocate)(void **, size_t) = dlsym(runtime, "cudaMalloc");
    int number = -1, driver = -1;
    void *pointer = NULL;
    int first = version(&driver), second = devices(&number), third = allocate(&pointer, 4096);
    printf("version %d (%d) devices %d (%d) malloc %d\n", driver, first, number, second, third);
    return 0;
}
