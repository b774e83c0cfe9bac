/* A client that holds device memory as it is told: member WAY PTX. Commands are lines of standard
 * input; each is answered by a line of JSON that says how much is held.
 *
 *   fill STEP LEAST MOST   takes pieces until one of LEAST bytes is refused, or more than MOST are held
 *   take BYTES             one piece
 *   give                   all of it back
 *   view                   what is said of the card
 *   work                   a short kernel, to its end
 *   spin NANOSECONDS       a kernel that is not waited for
 *   churn STEP ROOM        takes and gives at random, at most ROOM bytes, until the next command
 *   check                  a kernel on words that are known, and how many of them came back right
 *   labour                 check again and again, until the next command or an error
 *   grind MILLISECONDS     all the kernels the device takes
 *   mark NANOSECONDS FILE  a kernel, and when it is done an x in FILE; not waited for
 *   strike                 a kernel that faults, and what the driver says of it
 *   sms                    how many multiprocessors are shown, and whether this is a client of MPS
 *
 * It ends with its input, with 1 at an error that is no refusal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk.h"
#include "ways.h"
#include "work.h"

enum { MOST_PIECES = 1 << 16, STEPS = 8 };
static const struct way *way;
static struct piece pieces[MOST_PIECES];
static size_t count;

/* Whether there was room. */
static int take(size_t bytes)
{
    struct piece piece = {.bytes = bytes};
    int code = way->take(&piece);
    if (code == OUT_OF_MEMORY)
        return 0;
    must(code, way->name);
    if (count == MOST_PIECES)
        must(-1, "too many pieces");
    pieces[count++] = piece;
    held += bytes;
    return 1;
}

static void give(size_t at)
{
    way->give(&pieces[at]);
    held -= pieces[at].bytes;
    pieces[at] = pieces[--count];
}

static void give_all(void)
{
    while (count > 0)
        give(count - 1);
    if (way->settle)
        way->settle();
}

/* Whether it was refused in the end. */
static int fill(size_t step, size_t least, size_t most)
{
    while (held <= most)
        if (!take(step) && (step /= 2) < least)
            return 1;
    return 0;
}

static unsigned long churn(size_t step, size_t room)
{
    unsigned long times = 0;
    for (; !told(); times++)
        if (count > 0 && rand() % 2)
            give(rand() % count);
        else if (held + STEPS * step <= room)
            take((1 + rand() % STEPS) * step);
    return times;
}

static void view(void)
{
    size_t free, all, total;
    DO(cuMemGetInfo_v2(&free, &all));
    DO(cuDeviceTotalMem_v2(&total, device));
    answer(", \"views\": {\"cuMemGetInfo\": {\"free\": %zu, \"total\": %zu}, \"cuDeviceTotalMem\": {\"total\": %zu}}",
           free, all, total);
}

static void obey(const char *command)
{
    size_t a = 0, b = 0, c = 0;
    if (sscanf(command, "fill %zu %zu %zu", &a, &b, &c) == 3)
        answer(fill(a, b, c) ? ", \"refused\": \"CUDA_ERROR_OUT_OF_MEMORY\"" : "");
    else if (sscanf(command, "take %zu", &a) == 1)
        answer(take(a) ? "" : ", \"refused\": \"CUDA_ERROR_OUT_OF_MEMORY\"");
    else if (sscanf(command, "churn %zu %zu", &a, &b) == 2) {
        answer("");
        answer(", \"times\": %lu", churn(a, b));
    } else if (!strcmp(command, "give\n"))
        give_all(), answer("");
    else if (!strcmp(command, "view\n"))
        view();
    else if (!obeys_about_work(command))
        must(-1, command);
}

int main(int arguments, char **argument)
{
    static char ptx[8192];
    FILE *file = arguments == 3 && (way = way_called(argument[1])) ? fopen(argument[2], "r") : NULL;
    if (!file || !fread(ptx, 1, sizeof ptx - 1, file))
        return 9;
    const char *lacking = find_driver();
    if (lacking) {
        fprintf(stderr, "not found: %s\n", lacking);
        return 2;
    }
    handle context;
    DO(cuInit(0));
    DO(cuDeviceGet(&device, 0));
    DO(cuDevicePrimaryCtxRetain(&context, device));
    DO(cuCtxSetCurrent(context));
    DO(cuStreamCreate(&stream, 1));
    load_kernels(ptx);
    srand(getpid());
    answer("");
    /* Unbuffered, or a command could wait where `told` does not look. */
    setvbuf(stdin, NULL, _IONBF, 0);
    for (char command[300]; fgets(command, sizeof command, stdin);)
        obey(command);
    return 0;
}
