// What programs that are measured several at once have in common: the time, memory they all see, a place to
// meet, and an end that waits for all.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

static inline double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

// NULL if there is no memory.
static inline void *seen_by_all(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static inline void meet(pthread_barrier_t *place, int how_many) {
    pthread_barrierattr_t among_processes;
    pthread_barrierattr_init(&among_processes);
    pthread_barrierattr_setpshared(&among_processes, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(place, &among_processes, how_many);
}

// Whether every process ended well.
static inline int all_ended(int processes) {
    for (int process = 0, status; process < processes; process++)
        if (wait(&status) < 0 || status != 0) return 0;
    return 1;
}
