/* Two threads initialise CUDA at once; then: what the driver shows of the device's SMs. */
#include <pthread.h>
#include <stdio.h>

extern int cuInit(unsigned), cuDeviceGetAttribute(int *, int, int);
static pthread_barrier_t ready;

static void *initialise(void *nothing)
{
    pthread_barrier_wait(&ready);
    return cuInit(0) ? &ready : nothing;
}

int main(void)
{
    pthread_t all[2];
    void *failed[2];
    int sms = 0;
    pthread_barrier_init(&ready, NULL, 2);
    for (int at = 0; at < 2; at++)
        if (pthread_create(&all[at], NULL, initialise, NULL))
            return 1;
    for (int at = 0; at < 2; at++)
        pthread_join(all[at], &failed[at]);
    if (failed[0] || failed[1] || cuDeviceGetAttribute(&sms, 16, 0))
        return 1;
    printf("sms %d\n", sms);
    return 0;
}
