/* Linked to the driver; a constructor joins a thread that makes its first driver call. Also a
 * library, with -DLIBRARY. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

extern int cuInit(unsigned), cuDeviceGetCount(int *);

static int count = -1;

static void *first_call(void *unused)
{
    (void)unused;
    if (!cuInit(0))
        cuDeviceGetCount(&count);
    return NULL;
}

__attribute__((constructor)) static void joins(void)
{
    pthread_t thread;
    alarm(30);
    if (!pthread_create(&thread, NULL, first_call, NULL))
        pthread_join(thread, NULL);
}

int run(const char *open, const char *how)
{
    (void)open, (void)how;
    printf("%d\n", count);
    return count < 1;
}

#ifndef LIBRARY
int main(void)
{
    return run(NULL, NULL);
}
#endif
