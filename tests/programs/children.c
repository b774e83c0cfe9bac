/* children HOW: resolves a function, then calls it from a forked child ("fork"), or from a program
 * that replaces the child ("exec"), or in both ("both"). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count < 2)
        return 9;
    void *handle = dlopen("libcuda.so.1", RTLD_NOW);
    int (*version)(int *) = handle ? dlsym(handle, "cuDriverGetVersion") : NULL;
    int answer = 0;
    if (!version)
        return 8;
    if (!strcmp(arguments[1], "call"))
        return version(&answer) || answer < 11000;
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child) {
            if (!strcmp(arguments[1], "exec"))
                execl("/proc/self/exe", "children", "call", NULL);
            _exit(version(&answer) || answer < 11000);
        }
        int status;
        waitpid(child, &status, 0);
        if (status)
            return 7;
    }
    return version(&answer) || answer < 11000;
}
