/* caged DIRECTORY before|after: calls cuInit twice, before it has made DIRECTORY its root or after. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern int cuInit(unsigned);

int main(int count, char **arguments)
{
    if (count < 3)
        return 9;
    int first = strcmp(arguments[2], "before") ? -1 : cuInit(0);
    if (chroot(arguments[1]) && (unshare(CLONE_NEWUSER) || chroot(arguments[1]))) {
        puts("may not");
        return 0;
    }
    first = first < 0 ? cuInit(0) : first;
    printf("%d %d\n", first, cuInit(0));
    return 0;
}
