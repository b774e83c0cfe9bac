/* An allocator of its own that looks the next one up from inside malloc's first call: dlsym runs
 * before main, and must not allocate. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static char early[1 << 16];
static size_t used;
static int looking;
static void *(*next)(size_t);
static void (*next_free)(void *);

void *malloc(size_t bytes)
{
    if (!next && !looking) {
        looking = 1;
        next = dlsym(RTLD_NEXT, "malloc");
        next_free = dlsym(RTLD_NEXT, "free");
        void *found = dlsym(RTLD_DEFAULT, "cuMemAlloc_v2");
        looking = 0;
        if (found || !next)
            write(2, "wrong\n", 6), _exit(9);
    }
    if (next && !looking)
        return next(bytes);
    used = (used + 15) & ~(size_t)15;
    void *given = early + used;
    used += bytes;
    return used < sizeof early ? given : NULL;
}

void free(void *pointer)
{
    int is_early = (char *)pointer >= early && (char *)pointer < early + sizeof early;
    if (!is_early && next_free)
        next_free(pointer);
}

int main(void)
{
    char *text = malloc(10);
    memcpy(text, "fine\n", 6);
    write(1, text, 5);
    free(text);
    return 0;
}
