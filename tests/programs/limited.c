/* limited BYTES [pending]: no file may become longer than that from here on; then cuInit, and what is
 * left of SIGXFSZ: whether it is pending and blocked (both, if one was pending before). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

extern int cuInit(unsigned), cuDriverGetVersion(int *);

int main(int count, char **arguments)
{
    int version = 0;
    sigset_t one, pending, mask;
    if (count < 2)
        return 9;
    cuDriverGetVersion(&version); /* whoever stands behind it has its files now */
    struct rlimit limit = {strtoul(arguments[1], NULL, 10), RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return 8;
    sigemptyset(&one), sigaddset(&one, SIGXFSZ);
    if (count > 2)
        sigprocmask(SIG_BLOCK, &one, NULL), raise(SIGXFSZ);
    int code = cuInit(0);
    sigpending(&pending), sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("%d pending %d blocked %d\n", code, sigismember(&pending, SIGXFSZ), sigismember(&mask, SIGXFSZ));
    return 0;
}
