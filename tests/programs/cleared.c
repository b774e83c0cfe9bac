/* Opens CUDA (argument "open"), or is linked to it (-DLINKED), after the environment is gone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef LINKED
extern int cuInit(unsigned);
#endif

int main(void)
{
    clearenv();
#ifdef LINKED
    int status = cuInit(0);
#else
    void *handle = dlopen("libcuda.so.1", RTLD_NOW);
    int (*init)(unsigned) = handle ? (int (*)(unsigned))dlsym(handle, "cuInit") : NULL;
    int status = init ? init(0) : -1;
#endif
    printf("%d\n", status);
    return status != 0;
}
