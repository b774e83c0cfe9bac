/* small BYTES BYTES…: threads with stacks of so many bytes (0: the least there is), one after the other,
 * that call cuInit. */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

extern int cuInit(unsigned);

static void *initialise(void *code)
{
    *(int *)code = cuInit(0);
    return NULL;
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        size_t bytes = strtoul(arguments[i], NULL, 10);
        int code = -1;
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        if (pthread_attr_setstacksize(&attributes, bytes ? bytes : PTHREAD_STACK_MIN))
            return 9;
        if (pthread_create(&thread, &attributes, initialise, &code) || pthread_join(thread, NULL))
            return 8;
        printf("%d\n", code);
    }
    return 0;
}
