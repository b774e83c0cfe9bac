/* A plugin that opens the next one by its bare name, found only by this one's RUNPATH. */
#include <dlfcn.h>
#include <stdio.h>

int run(const char *open, const char *how)
{
    void *next = dlopen("libnext.so", RTLD_NOW);
    int (*run_next)(const char *, const char *) = next ? dlsym(next, "run") : NULL;
    if (!run_next) {
        fprintf(stderr, "%s\n", dlerror());
        return 7;
    }
    return run_next(open, how);
}
