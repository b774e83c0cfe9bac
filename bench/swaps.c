// What a machine takes for the least that members of one ledger must share: swaps NS ROUNDS PROCESSES
//
// Each process swaps one word of sixteen bytes (eight but on x86-64), which is all that a commit needs,
// and does something of its own in between, so that a swap and that take NS alone. Prints ns per swap,
// round by round.
#define _GNU_SOURCE
#include "together.h"
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STEPS = 2000, TRIES = 5 };
typedef struct { unsigned long long used, seq; } __attribute__((aligned(16))) Word;

static int swap(Word *word, Word *last) {
#if defined(__x86_64__)
    Word next = {last->used ^ 1, last->seq + 1};
    unsigned char done;
    __asm__ volatile("lock cmpxchg16b %1; sete %0"
                     : "=q"(done), "+m"(*word), "+a"(last->used), "+d"(last->seq)
                     : "b"(next.used), "c"(next.seq) : "cc", "memory");
    if (done) *last = next;
    return done;
#else
    unsigned long long next = last->seq + 1;
    int done = __atomic_compare_exchange_n(&word->seq, &last->seq, next, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (done) last->seq = next;
    return done;
#endif
}

static double round_of(Word *word, Word *last, int work) {
    double start = now();
    for (int step = 0; step < STEPS; step++) {
        for (int at = 0; at < work; at++) __asm__ volatile("" ::: "memory");
        while (!swap(word, last)) {}
    }
    return (now() - start) / STEPS;
}

// As much work as makes a swap take so long alone; of a few looks the shortest, for some are interrupted.
static int work_for(double wanted) {
    Word word = {0}, last = {0};
    for (int work = 0;; work++) {
        double least = 1e9;
        for (int look = 0; look < TRIES; look++) {
            double took = round_of(&word, &last, work);
            if (took < least) least = took;
        }
        if (least >= wanted) return work;
    }
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: swaps NS ROUNDS PROCESSES\n"), 1;
    int work = work_for(atof(arguments[1])), rounds = atoi(arguments[2]), processes = atoi(arguments[3]);
    // The word has its line, and the one beside it, for itself.
    struct { Word word; char apart[112]; pthread_barrier_t start; _Atomic int done; double samples[]; } *shared =
        seen_by_all(sizeof *shared + sizeof(double) * rounds * processes);
    if (!shared) return fprintf(stderr, "swaps: no memory\n"), 1;
    meet(&shared->start, processes);
    for (int process = 0; process < processes; process++) {
        if (fork() != 0) continue;
        // Those that are left wait for all: not if one has failed, and with it the one that started them.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        Word last = {0};
        pthread_barrier_wait(&shared->start);
        for (int round = 0; round < rounds; round++)
            shared->samples[process * rounds + round] = round_of(&shared->word, &last, work);
        // The others are still measured beside this one.
        for (shared->done++; shared->done < processes;) round_of(&shared->word, &last, work);
        _exit(0);
    }
    if (!all_ended(processes)) return fprintf(stderr, "swaps: a process failed\n"), 1;
    for (int at = 0; at < rounds * processes; at++) printf("%.2f ", shared->samples[at]);
    printf("\n");
    return 0;
}
