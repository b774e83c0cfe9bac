/* share [again]: what the driver shows of the device's SMs, and what the environment says of a share; with
 * `again` also in a child that inherits it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern int cuInit(unsigned), cuDeviceGetAttribute(int *, int, int);

static const char *set(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "-";
}

int main(int count, char **arguments)
{
    int sms = 0, code = cuInit(0);
    if (code)
        return printf("cuInit %d\n", code), 1;
    if (cuDeviceGetAttribute(&sms, 16, 0))
        return 1;
    printf("sms %d percentage %s priority %s\n", sms, set("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"), set("CUDA_MPS_CLIENT_PRIORITY"));
    fflush(stdout);
    if (count > 1 && !strcmp(arguments[1], "again")) {
        int status = 0;
        if (!fork())
            execl(arguments[0], arguments[0], (char *)0);
        return wait(&status) < 0 || status ? 2 : 0;
    }
    return 0;
}
