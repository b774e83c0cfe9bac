/* share [again]: what the driver shows of the device's SMs, and what the environment says of a share; with
 * `again` also in a child that inherits it.
 * share contexts WAY...: then makes contexts and says how many SMs each has, or the error: `v2`, `v3` or `v4`,
 * with an affinity of its own as `v3:N`, `v4:N`; `primary`; on another device as `v2@1`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct affinity { unsigned kind, sms; };
struct parameters { struct affinity *affinity; int count; void *graphics; };

extern int cuInit(unsigned), cuDeviceGetAttribute(int *, int, int);
extern int cuCtxCreate_v2(void **, unsigned, int);
extern int cuCtxCreate_v3(void **, struct affinity *, int, unsigned, int);
extern int cuCtxCreate_v4(void **, struct parameters *, unsigned, int);
extern int cuDevicePrimaryCtxRetain(void **, int), cuCtxSetCurrent(void *);
extern int cuCtxGetExecAffinity(struct affinity *, int);

static const char *set(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "-";
}

static int make(const char *way)
{
    const char *own = strchr(way, ':'), *on = strchr(way, '@');
    struct affinity wanted = {0, own ? (unsigned)atoi(own + 1) : 0}, kept = wanted;
    struct parameters parameters = {&wanted, 1, NULL};
    int device = on ? atoi(on + 1) : 0, code;
    void *context = NULL;
    if (!strncmp(way, "v2", 2))
        code = cuCtxCreate_v2(&context, 0, device);
    else if (!strncmp(way, "v3", 2))
        code = cuCtxCreate_v3(&context, own ? &wanted : NULL, own != NULL, 0, device);
    else if (!strncmp(way, "v4", 2))
        code = cuCtxCreate_v4(&context, own ? &parameters : NULL, 0, device);
    else
        code = cuDevicePrimaryCtxRetain(&context, device) || cuCtxSetCurrent(context);
    if (wanted.sms != kept.sms || parameters.affinity != &wanted || parameters.count != 1)
        return printf(" changed"), -1;
    return code;
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
    if (count > 1 && !strcmp(arguments[1], "contexts")) {
        printf("contexts");
        for (int at = 2; at < count; at++) {
            struct affinity has = {0, 0};
            code = make(arguments[at]);
            if (code || (code = cuCtxGetExecAffinity(&has, 0)))
                printf(" error %d", code);
            else
                printf(" %u", has.sms);
        }
        printf("\n");
    }
    return 0;
}
