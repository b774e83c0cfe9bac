/* probe WHAT…: asks the loader one thing after another and prints what it said. As a plugin (with
 * -DLIBRARY) the same from a library's code. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *handle;

static void say(const char *what, const void *answer)
{
    const char *error = dlerror();
    printf("%s: %s, %s\n", what, answer ? "found" : "null", error ? error : "no error");
}

static void ask(const char *what)
{
    if (!strcmp(what, "open"))
        say(what, handle = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL));
    else if (!strcmp(what, "open-global"))
        say(what, handle = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL));
    else if (!strcmp(what, "close"))
        printf("close: %d\n", dlclose(handle));
    else if (!strcmp(what, "noload"))
        say(what, dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD));
    else if (!strcmp(what, "other"))
        say(what, dlopen("libno-such-thing.so", RTLD_NOW));
    else if (!strcmp(what, "self"))
        say(what, handle = dlopen(NULL, RTLD_NOW));
    else if (!strncmp(what, "path:", 5))
        say(what, handle = dlopen(what + 5, RTLD_NOW));
    else if (!strncmp(what, "probe:", 6))
        say("probe", dlopen(what + 6, RTLD_NOW | RTLD_NOLOAD));
    else if (!strncmp(what, "wrong:", 6))
        say("wrong", dlopen(what + 6, 0));
    else if (!strncmp(what, "default:", 8))
        say(what, dlsym(RTLD_DEFAULT, what + 8));
    else if (!strncmp(what, "next:", 5))
        say(what, dlsym(RTLD_NEXT, what + 5));
    else
        say(what, dlsym(handle, what));
}

int run(const char *what, const char *unused)
{
    char text[4096], *rest = text;
    (void)unused;
    strncpy(text, what, sizeof text - 1);
    for (char *one; (one = strsep(&rest, ",")); )
        ask(one);
    return 0;
}

#ifndef LIBRARY
int main(int count, char **arguments)
{
    return run(count > 1 ? arguments[1] : "", NULL);
}
#endif
