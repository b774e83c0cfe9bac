/* Commands come in by standard input; each is answered by a line of JSON. */
#ifndef MEMBER_TALK_H
#define MEMBER_TALK_H
#include <stddef.h>

/* How many bytes are held: in every answer. */
extern size_t held;
/* `more`: further fields, each behind a comma. */
void answer(const char *more, ...) __attribute__((format(printf, 1, 2)));
/* Whether there is another command, or no more input. */
int told(void);
#endif
