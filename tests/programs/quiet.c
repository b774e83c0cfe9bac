/* quiet HOW PROGRAM: runs a program whose standard error nobody reads ("broken") or is full ("full"). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    int pipes[2];
    char bytes[4096] = {0};
    if (count < 3 || pipe(pipes))
        return 9;
    if (!strcmp(arguments[1], "full")) {
        fcntl(pipes[1], F_SETFL, O_NONBLOCK);
        while (write(pipes[1], bytes, sizeof bytes) > 0)
            ;
        fcntl(pipes[1], F_SETFL, 0);
    } else {
        close(pipes[0]);
    }
    dup2(pipes[1], 2);
    alarm(20);
    execv(arguments[2], arguments + 2);
    return 8;
}
