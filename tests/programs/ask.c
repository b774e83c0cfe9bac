/* Asks cuGetProcAddress (line "1 NAME VERSION FLAGS") or its _v2 ("2 …"; "3 …" with no status) for
 * each line of standard input and prints: status, the symbol behind the pointer, whose it is ("ours"
 * if the preload's), the query's status. NAME "-" is the empty name, "0" a null one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int (*v1)(const char *, void **, int, uint64_t);
typedef int (*v2)(const char *, void **, int, uint64_t, int *);

static void *const UNTOUCHED = (void *)0x1234;

static const char *owner(const char *file)
{
    return strstr(file, "libcuota") ? "ours" : "driver";
}

int main(void)
{
    void *handle = dlopen("libcuda.so.1", RTLD_NOW);
    if (!handle)
        return 2;
    v1 first = (v1)dlsym(handle, "cuGetProcAddress");
    v2 second = (v2)dlsym(handle, "cuGetProcAddress_v2");
    char name[128];
    int which, version;
    unsigned long long flags;
    while (scanf("%d %127s %d %llu", &which, name, &version, &flags) == 4) {
        void *function = UNTOUCHED;
        int found = -7, status = -1;
        const char *asked = !strcmp(name, "-") ? "" : !strcmp(name, "0") ? NULL : name;
        if (which == 1 && first)
            status = first(asked, &function, version, flags);
        else if (which > 1 && second)
            status = second(asked, &function, version, flags, which == 2 ? &found : NULL);
        Dl_info info = {0};
        if (function == UNTOUCHED || !function)
            printf("%d %s - %d\n", status, function ? "untouched" : "null", found);
        else if (dladdr(function, &info) && info.dli_saddr == function)
            printf("%d %s %s %d\n", status, info.dli_sname, owner(info.dli_fname), found);
        else
            printf("%d inside %s %d\n", status, info.dli_fname ? owner(info.dli_fname) : "?", found);
    }
    return 0;
}
