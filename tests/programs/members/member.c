/* A member that does as it is told, a line at a time, and answers each line with one of its own:
 *   init | anyway | alloc MIB | free | used | total | pid    what the driver answered, or a figure in MiB
 *                                 (anyway: goes on whatever cuInit answers)
 *   close | null | dup            closes every descriptor; then opens /dev/null on the same numbers;
 *                                 keeps a copy of each in a child of a raw clone (its pid)
 *   fork                          a child made by fork, which only waits (its pid)
 *   exec PROGRAM                  becomes another program
 *   launch | elsewhere | faulty   work: a kernel on the default stream, on a new one, one that faults
 *   sync | wait | query           for the context, for the default stream; whether that is done
 *   other | back                  another context of the device; the primary one again
 *   device N                      initialises, and works on that one; stream N: makes a stream there, and
 *   ask                           whether that one is done
 *   copy                          to the host, without waiting
 *   strike                        the work in flight faults (CUOTA_SIM_FAULT: cuCtxGetFlags)
 * A line it does not know ends it, and so does the end of its input. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../quota/driver.h"
#include "work.h"

#define MIB ((size_t)1 << 20)
enum { MOST = 4096 };
static dptr held[MOST];
static int count;
static FILE *in, *out;

static long enter(int anyway)
{
    handle context = 0;
    int code = cuInit(0);
    code = code && !anyway ? code : cuDevicePrimaryCtxRetain(&context, 0);
    return code ? code : cuCtxSetCurrent(context);
}

static long take(size_t mib)
{
    dptr at = 0;
    int code = count == MOST ? 999 : cuMemAlloc_v2(&at, mib * MIB);
    if (!code)
        held[count++] = at;
    return code;
}

static long give(void)
{
    int code = 0;
    while (!code && count)
        code = cuMemFree_v2(held[--count]);
    return code;
}

static long figure(int total)
{
    size_t left = 0, all = 0;
    int code = cuMemGetInfo_v2(&left, &all);
    return code ? -code : (long)((total ? all : all - left) / MIB);
}

/* What a daemon or a launcher does. Its own two are put out of the way first. */
static long close_all(void)
{
    return syscall(SYS_close_range, 3, ~0U, 0);
}

static long fill_with_null(void)
{
    for (int number = 3; number < 64; number++)
        if (open("/dev/null", O_RDWR) < 0)
            return -1;
    return 0;
}

static long child(int by_clone)
{
    int left = dup(0);
    long pid = by_clone ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
    if (pid == 0) {
        /* Not holding the pipes, so that whoever reads them sees the parent end. */
        close(0);
        close(1);
        close(2);
        for (;;)
            pause();
    }
    close(left);
    return pid;
}

static int told(char *line)
{
    char *word = strtok(line, " \n"), *with = strtok(NULL, " \n");
    unsigned flags;
    long answer;
    if (!word)
        return 0;
    if (!strcmp(word, "init"))
        answer = enter(0);
    else if (!strcmp(word, "anyway"))
        answer = enter(1);
    else if (!strcmp(word, "alloc"))
        answer = take(strtoul(with ? with : "1", NULL, 0));
    else if (!strcmp(word, "free"))
        answer = give();
    else if (!strcmp(word, "used") || !strcmp(word, "total"))
        answer = figure(word[0] == 't');
    else if (!strcmp(word, "pid"))
        answer = getpid();
    else if (!strcmp(word, "close"))
        answer = close_all();
    else if (!strcmp(word, "null"))
        answer = fill_with_null();
    else if (!strcmp(word, "dup") || !strcmp(word, "fork"))
        answer = child(word[0] == 'd');
    else if (!strcmp(word, "exec") && with)
        answer = execl(with, with, "60", NULL);
    else if (!strcmp(word, "launch"))
        answer = launch(0);
    else if (!strcmp(word, "elsewhere"))
        answer = launch_elsewhere();
    else if (!strcmp(word, "faulty"))
        answer = launch_that_faults();
    else if (!strcmp(word, "sync"))
        answer = cuCtxSynchronize();
    else if (!strcmp(word, "wait"))
        answer = cuStreamSynchronize(0);
    else if (!strcmp(word, "query"))
        answer = cuStreamQuery(0);
    else if (!strcmp(word, "other") || !strcmp(word, "back"))
        answer = use_context(word[0] == 'o');
    else if (!strcmp(word, "device") && with)
        answer = work_on(atoi(with));
    else if (!strcmp(word, "stream") && with)
        answer = stream_on(atoi(with));
    else if (!strcmp(word, "ask"))
        answer = cuStreamQuery(there);
    else if (!strcmp(word, "copy"))
        answer = copy_out();
    else if (!strcmp(word, "strike"))
        answer = cuCtxGetFlags(&flags);
    else
        return 0;
    fprintf(out, "%ld\n", answer);
    return !fflush(out);
}

int main(void)
{
    char line[256];
    in = stdin;
    out = stdout;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (fgets(line, sizeof line, in) && told(line)) {
    }
    return 0;
}
