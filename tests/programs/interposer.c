/* Somebody who wraps dlsym itself, the way tracers do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

static int seen;

void *dlsym(void *handle, const char *name)
{
    static void *(*next)(void *, const char *);
    if (!next)
        next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    if (!next)
        next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    seen++;
    return next(handle, name);
}

__attribute__((destructor)) static void report(void)
{
    fprintf(stderr, "interposer: %s\n", seen ? "asked" : "never asked");
}
