// How long a program takes from its start to its end: starts LIBRARY AT_ONCE ROUNDS PROGRAM [ARGUMENT…]
//
// Starts AT_ONCE of them and waits for all, without and with LIBRARY preloaded by turns, ROUNDS times.
// Prints the milliseconds of each round, without and with.
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
    fprintf(stderr, "starts: %s\n", what);
    exit(1);
}

static double once(int at_once, char **program, char **environment) {
    struct timespec from, to;
    pid_t started;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < at_once; i++)
        if (posix_spawnp(&started, program[0], NULL, NULL, program, environment) != 0) fail("cannot start it");
    for (int i = 0, status; i < at_once; i++)
        if (wait(&status) < 0 || status != 0) fail("it failed");
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
}

int main(int count, char **arguments) {
    if (count < 5 || getenv("LD_PRELOAD")) fail("usage: starts LIBRARY AT_ONCE ROUNDS PROGRAM [ARGUMENT…]");
    int at_once = atoi(arguments[2]), rounds = atoi(arguments[3]), variables = 0;
    while (environ[variables]) variables++;
    char *preload, *with[variables + 2];
    if (asprintf(&preload, "LD_PRELOAD=%s", arguments[1]) < 0) fail("no memory");
    memcpy(with + 1, environ, (variables + 1) * sizeof *with);
    with[0] = preload;
    once(at_once, arguments + 4, environ), once(at_once, arguments + 4, with);
    for (int round = 0; round < rounds; round++) {
        printf("%.4f ", once(at_once, arguments + 4, environ));
        printf("%.4f ", once(at_once, arguments + 4, with));
    }
    printf("\n");
}
