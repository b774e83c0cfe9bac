/* Signals arrive inside hooks, and their handler calls the driver. With an argument the handler jumps
 * out of whatever it interrupted. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

extern int cuDriverGetVersion(int *), cuMemAlloc_v2(uint64_t *, size_t);
extern int cuGetProcAddress_v2(const char *, void **, int, uint64_t, int *);

static volatile sig_atomic_t handled, wrong, jumping;
static volatile long calls;
static sigjmp_buf out;

static void look_up(void)
{
    void *function = NULL;
    int found;
    if (cuGetProcAddress_v2("cuMemAlloc", &function, 12000, 0, &found))
        wrong = 1;
    if (function != (void *)cuMemAlloc_v2) /* the one this program is linked to, whosever it is */
        wrong = 2;
}

static void handler(int unused)
{
    int version = 0;
    (void)unused;
    if (cuDriverGetVersion(&version) || version < 12000)
        wrong = 3;
    look_up();
    handled++;
    if (jumping)
        siglongjmp(out, 1);
}

int main(int count, char **arguments)
{
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)arguments;
    /* A driver sets itself up at its first calls, and that may take locks a handler must not meet. */
    int version = 0;
    if (cuDriverGetVersion(&version))
        return 9;
    look_up();
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    sigsetjmp(out, 1);
    jumping = count > 1;
    while (handled < 1000 && !wrong) {
        look_up();
        calls++;
    }
    jumping = 0;
    setitimer(ITIMER_REAL, &never, NULL);
    look_up();
    printf("%ld %ld %ld\n", calls + 2, (long)handled, (long)handled + 1);
    return wrong;
}
