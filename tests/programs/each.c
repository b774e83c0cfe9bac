/* Calls each function named on standard input once, with zeros. Before cuInit a driver refuses them
 * all, unread. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

typedef int (*any)(long, long, long, long, long, long, long, long, long, long, long, long);

int main(void)
{
    char name[128];
    void *handle = dlopen("libcuda.so.1", RTLD_NOW);
    if (!handle)
        return 2;
    while (scanf("%127s", name) == 1) {
        any function = (any)dlsym(handle, name);
        if (!function)
            printf("%s missing\n", name);
        else
            printf("%s %d\n", name, function(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }
    return 0;
}
