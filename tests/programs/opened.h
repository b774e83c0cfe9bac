/* Driver functions by way of dlopen: then dlsym for each, or dlsym once and cuGetProcAddress. */
#include <dlfcn.h>
#include <string.h>

#include "exercise.h"

static void *handle;
static result (*ask)(const char *, void **, int, uint64_t, int *);

static void *by_dlsym(const char *exported, const char *base, int version)
{
    (void)base, (void)version;
    return dlsym(handle, exported);
}

static void *by_driver(const char *exported, const char *base, int version)
{
    void *function = NULL;
    int found = -1;
    (void)exported;
    return ask(base, &function, version, 0, &found) ? NULL : function;
}

/* `open` is what to give to dlopen, `how` is "dlsym", "cuGetProcAddress" or "cuGetProcAddress_v2". */
static int opened(const char *open, int flags, const char *how)
{
    handle = dlopen(open, flags);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    if (!strcmp(how, "dlsym"))
        return exercise(by_dlsym);
    ask = (result(*)(const char *, void **, int, uint64_t, int *))dlsym(handle, how);
    return ask ? exercise(by_driver) : 3;
}
