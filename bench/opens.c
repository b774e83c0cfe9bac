// The least a program that uses CUDA does: opens the driver and starts it.
#include <dlfcn.h>

int main(void) {
    void *driver = dlopen("libcuda.so.1", RTLD_NOW);
    int (*init)(unsigned) = driver ? (int (*)(unsigned))dlsym(driver, "cuInit") : 0;
    return init ? init(0) : 1;
}
