/* Finding the driver. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFINE(name, types) int(*name) types;
FUNCTIONS(DEFINE)

const char *find_driver(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!driver)
        return dlerror();
#define FIND(name, types)                          \
    if (!(*(void **)&name = dlsym(driver, #name))) \
        return #name;
    FUNCTIONS(FIND)
    return NULL;
}

void must(int code, const char *what)
{
    if (code) {
        fprintf(stderr, "%s: %d\n", what, code);
        exit(1);
    }
}
