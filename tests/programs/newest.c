/* Uses what a newer driver has beyond our list, by both ways of finding it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

int main(void)
{
    void *handle = dlopen("libcuda.so.1", RTLD_NOW), *paint = NULL, *init = NULL;
    int (*ask)(const char *, void **, int, uint64_t, int *) = dlsym(handle, "cuGetProcAddress_v2");
    int (*allocate)(void) = dlsym(handle, "cuMemAllocSomehow");
    if (!ask || ask("cuPaintCard", &paint, 13000, 0, NULL) || ask("cuInit", &init, 2000, 0, NULL))
        return 9;
    int first = ((int (*)(unsigned))init)(0), again = ((int (*)(unsigned))init)(0);
    printf("%d %d %d %d %s\n", first, again, allocate ? allocate() : -1, ((int (*)(void))paint)(),
           dlsym(handle, "cuMemAlloc_v2") ? "found" : "missing");
    return 0;
}
