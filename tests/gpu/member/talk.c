/* Answers, and whether there is something to read. */
#include "talk.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

size_t held;

void answer(const char *more, ...)
{
    va_list fields;
    va_start(fields, more);
    printf("{\"held\": %zu", held);
    vprintf(more, fields);
    printf("}\n");
    fflush(stdout);
    va_end(fields);
}

int told(void)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, 0) != 0;
}
