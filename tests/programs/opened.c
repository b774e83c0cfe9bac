/* opened OPEN FLAGS HOW: see opened.h; FLAGS are letters: d(eepbind) g(lobal) l(azy). */
#define _GNU_SOURCE
#include "opened.h"

int main(int count, char **arguments)
{
    if (count != 4)
        return 9;
    int flags = strchr(arguments[2], 'l') ? RTLD_LAZY : RTLD_NOW;
    flags |= strchr(arguments[2], 'd') ? RTLD_DEEPBIND : 0;
    flags |= strchr(arguments[2], 'g') ? RTLD_GLOBAL : 0;
    return opened(arguments[1], flags, arguments[3]);
}
