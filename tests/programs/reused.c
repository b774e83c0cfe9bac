/* reused HOW: descriptor 2 is left as it is ("kept"), closed ("closed"), led elsewhere and back ("back"),
 * or given to a file with data, a file for lines to be added to ("log"), a socket or a pipe. Then cuInit,
 * and what can be read of that, and the answer, on standard output. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

extern int cuInit(unsigned);

static int ends[2] = {-1, -1};

static int give(const char *how)
{
    if (!strcmp(how, "back"))
        ends[1] = dup(2), dup2(1, 2), dup2(ends[1], 2);
    if (!strcmp(how, "kept") || !strcmp(how, "back"))
        return 0;
    close(2);
    if (!strcmp(how, "closed"))
        return 0;
    if (!strcmp(how, "data") || !strcmp(how, "log")) {
        int mode = O_WRONLY | O_CREAT | O_TRUNC | (strcmp(how, "log") ? 0 : O_APPEND);
        if (open("given", mode, 0600) != 2)
            return 7;
        ends[0] = open("given", O_RDONLY);
        return write(2, "data ", strcmp(how, "log") ? 5 : 0) < 0;
    }
    /* So that neither end is 2 by chance. */
    open("/dev/null", O_RDONLY);
    if (strcmp(how, "pipe") ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends))
        return 6;
    return dup2(ends[1], 2) != 2 || fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

int main(int count, char **arguments)
{
    char bytes[4096];
    if (count < 2 || give(arguments[1]))
        return 9;
    int code = cuInit(0);
    ssize_t there = read(ends[0], bytes, sizeof bytes);
    printf("%.*s%d\n", there > 0 ? (int)there : 0, bytes, code);
    return 0;
}
