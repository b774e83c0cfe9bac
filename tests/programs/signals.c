/* Signals arrive inside hooks and inside the first resolution, and their handler calls the driver. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

extern int cuDriverGetVersion(int *);
extern int cuGetProcAddress_v2(const char *, void **, int, uint64_t, int *);

static volatile sig_atomic_t handled, wrong;

static void handler(int unused)
{
    int version = 0, found;
    void *function = NULL;
    (void)unused;
    if (cuDriverGetVersion(&version) || version < 12000)
        wrong = 1;
    if (cuGetProcAddress_v2("cuInit", &function, 12000, 0, &found) || !function)
        wrong = 1;
    handled++;
}

int main(void)
{
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    long calls = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    while (handled < 2000 && !wrong) {
        void *function = NULL;
        int found;
        wrong |= cuGetProcAddress_v2("cuMemAlloc", &function, 12000, 0, &found) || !function;
        calls++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("%ld %ld\n", calls, (long)handled);
    return wrong;
}
