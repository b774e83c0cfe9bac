/* A plug-in that asks the global scope for CUDA, and says when it is unloaded. As the host with
 * -DHOST: opens it, runs it, closes it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

#ifdef HOST
int main(int count, char **arguments)
{
    void *plugin = count > 1 ? dlopen(arguments[1], RTLD_NOW) : NULL;
    int (*run)(void) = plugin ? dlsym(plugin, "run") : NULL;
    if (!run || run())
        return 9;
    dlclose(plugin);
    printf("still there: %d\n", dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) != NULL);
    return 0;
}
#else
int run(void)
{
    return dlsym(RTLD_DEFAULT, "cuInit") != NULL;
}

__attribute__((destructor)) static void gone(void)
{
    puts("gone");
}
#endif
