/* Threads that fork, exec and wait while others allocate and look names up: no CUDA anywhere. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *forks(void *unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (!child) {
            if (i % 2)
                execl("/bin/true", "true", NULL);
            _exit(dlsym(RTLD_DEFAULT, "getpid") ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        if (status)
            return "a child failed";
    }
    return NULL;
}

static void *works(void *unused)
{
    (void)unused;
    for (int i = 0; i < 20000; i++) {
        free(malloc(i));
        if (!dlsym(RTLD_DEFAULT, "malloc") || dlsym(RTLD_DEFAULT, "cuInit"))
            return "a wrong answer";
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[8];
    const char *wrong = NULL;
    alarm(60);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, i % 2 ? forks : works, NULL);
    for (int i = 0; i < 8; i++) {
        void *answer;
        pthread_join(threads[i], &answer);
        wrong = answer ? answer : wrong;
    }
    puts(wrong ? wrong : "fine");
    return wrong != NULL;
}
