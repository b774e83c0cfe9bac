/* host PLUGIN FLAGS OPEN HOW: opens a plugin and has it open CUDA. FLAGS: d(eepbind). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
    if (count != 5)
        return 9;
    int flags = RTLD_NOW | (strchr(arguments[2], 'd') ? RTLD_DEEPBIND : 0);
    void *plugin = dlopen(arguments[1], flags);
    int (*run)(const char *, const char *) = plugin ? dlsym(plugin, "run") : NULL;
    if (!run) {
        fprintf(stderr, "%s\n", dlerror());
        return 8;
    }
    return run(arguments[3], arguments[4]);
}
