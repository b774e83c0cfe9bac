/* An allocator that itself calls the driver, once, from inside whatever the first driver call does;
 * with an argument, it forks there and the child calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

extern int cuDriverGetVersion(int *);
extern void *__libc_malloc(size_t);

static int armed, forks;

void *malloc(size_t bytes)
{
    if (armed) {
        int version = 0, status = 0;
        armed = 0;
        pid_t child = forks ? fork() : 0;
        if (child)
            waitpid(child, &status, 0);
        else if (cuDriverGetVersion(&version) || version < 11000)
            _exit(7);
        if (forks && !child)
            _exit(0);
        if (status)
            _exit(8);
    }
    return __libc_malloc(bytes);
}

int main(int count, char **arguments)
{
    int version = 0;
    (void)arguments;
    alarm(20);
    forks = count > 1;
    armed = 1;
    return cuDriverGetVersion(&version) || version < 11000;
}
