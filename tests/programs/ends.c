/* ends FILE HOW [HANDLER]: has work in flight that writes an x to FILE when it is done, says "ready", and
 * ends, or waits for a signal:
 *   return | exit | _exit | abort    ends so, with status 3 where it says one
 *   wait                             in pause; if that comes back it ends with status 5
 *   sync                             in the driver, until the work is done; then as wait
 *   syncret                          likewise, and then it returns with status 3
 *   join                             returns; a handler set before cuInit waits for a thread that works
 * HANDLER, of SIGTERM: before | after (cuInit) has the program end with status 7 by return; by-signal the same with
 * signal(); default-again sets one and takes it away; ignore; ask looks what sigaction and signal say was
 * there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "quota/driver.h"
#include "members/work.h"

extern int cuLaunchHostFunc(handle, void (*)(void *), void *);
static volatile char *file;
static volatile sig_atomic_t told;

static volatile int enough;
static pthread_t worker;
static handle context;

static void *labour(void *unused)
{
    cuCtxSetCurrent(context);
    while (!enough && !launch(0) && !cuCtxSynchronize()) {
    }
    return unused;
}

static void join_worker(void)
{
    enough = 1;
    pthread_join(worker, NULL);
}

static void mark(void *unused)
{
    (void)unused;
    *file = 'x';
}

static void by_handler(int signal)
{
    told = signal;
}

static void handle_it(void)
{
    struct sigaction new = {.sa_handler = by_handler}, old = {0};
    if (sigaction(SIGTERM, &new, &old) || old.sa_handler != SIG_DFL)
        _exit(90);
}

static void prepare_handler(const char *which)
{
    struct sigaction old = {0};
    if (!strcmp(which, "before") || !strcmp(which, "after"))
        handle_it();
    else if (!strcmp(which, "by-signal") && signal(SIGTERM, by_handler) != SIG_DFL)
        _exit(91);
    else if (!strcmp(which, "ignore") && signal(SIGTERM, SIG_IGN) != SIG_DFL)
        _exit(92);
    else if (!strcmp(which, "default-again")) {
        handle_it();
        struct sigaction gone = {.sa_handler = SIG_DFL};
        if (sigaction(SIGTERM, &gone, &old) || old.sa_handler != by_handler)
            _exit(93);
    } else if (!strcmp(which, "ask")) {
        if (sigaction(SIGTERM, NULL, &old) || old.sa_handler != SIG_DFL || old.sa_flags)
            _exit(94);
        if (signal(SIGTERM, SIG_DFL) != SIG_DFL)
            _exit(95);
    }
}

int main(int count, char **arguments)
{
    const char *how = arguments[2], *handler = count > 3 ? arguments[3] : "";
    int opened = open(arguments[1], O_RDWR);
    file = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, opened, 0);
    if (file == MAP_FAILED)
        return 80;
    if (!strcmp(how, "join"))
        atexit(join_worker);
    if (!strcmp(handler, "before"))
        prepare_handler(handler);
    if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context))
        return 81;
    if (launch(0) || cuLaunchHostFunc(0, mark, NULL))
        return 82;
    if (strcmp(handler, "before"))
        prepare_handler(handler);
    printf("ready\n");
    fflush(stdout);
    if (!strcmp(how, "exit"))
        exit(3);
    if (!strcmp(how, "_exit"))
        _exit(3);
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "sync") || !strcmp(how, "syncret"))
        cuCtxSynchronize();
    if (!strcmp(how, "join") && pthread_create(&worker, NULL, labour, NULL))
        return 83;
    while (!strcmp(how, "wait") || !strcmp(how, "sync")) {
        if (!*handler || !strcmp(handler, "ask") || !strcmp(handler, "default-again"))
            return pause(), 5;
        while (!told)
            usleep(1000);
        return 7;
    }
    return 3;
}
