/* storm THREADS: linked to the driver; every thread makes its first call at the same moment. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern int cuInit(unsigned), cuDeviceGetCount(int *), cuDriverGetVersion(int *), cuGetErrorName(int, const char **);

static pthread_barrier_t barrier;

static void *first_calls(void *unused)
{
    int count = 0, version = 0;
    const char *name = NULL;
    (void)unused;
    pthread_barrier_wait(&barrier);
    long bad = cuDriverGetVersion(&version) || cuInit(0) || cuDeviceGetCount(&count) || cuGetErrorName(2, &name);
    return (void *)(long)(bad || !version || !count || !name);
}

int main(int argc, char **arguments)
{
    int threads = argc > 1 ? atoi(arguments[1]) : 2;
    pthread_t *all = calloc(threads, sizeof *all);
    pthread_attr_t small;
    alarm(60);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_barrier_init(&barrier, NULL, threads);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&all[i], &small, first_calls, NULL))
            return 2;
    long bad = 0;
    for (int i = 0; i < threads; i++) {
        void *answer;
        pthread_join(all[i], &answer);
        bad |= (long)answer;
    }
    return bad != 0;
}
