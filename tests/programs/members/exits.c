/* exits: a signal comes again and again while memory is taken, and its handler calls exit. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../quota/driver.h"

enum { TIMES = 200 };

static void leave(int signal)
{
    (void)signal;
    exit(0);
}

int main(void)
{
    for (int time = 0; time < TIMES; time++) {
        pid_t child = fork();
        if (child == 0) {
            handle context;
            dptr piece;
            struct itimerval soon = {{0, 0}, {0, 100 + time * 7}};
            if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context))
                return 1;
            signal(SIGALRM, leave);
            setitimer(ITIMER_REAL, &soon, NULL);
            /* Mostly refused: that is where it takes longest. */
            for (;;)
                if (cuMemAlloc_v2(&piece, (size_t)1 << 40) == 0 || (cuMemAlloc_v2(&piece, 4 << 20) == 0 && cuMemFree_v2(piece)))
                    return 2;
        }
        int status;
        if (waitpid(child, &status, 0) != child || status != 0)
            return printf("status %d\n", status), 3;
    }
    return printf("%d left\n", TIMES), 0;
}
