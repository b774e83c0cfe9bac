/* Linked to the driver where there is none, or where it is older than the program. */
#include <stdio.h>

extern int cuInit(unsigned), cuGetErrorString(int, const char **), cuGetErrorName(int, const char **);
extern int cuDriverGetVersion(int *), cuDeviceGetCount(int *);
extern int cuGraphGetEdges_v2(void *, void *, void *, void *, size_t *);

int main(void)
{
    const char *text = NULL, *name = NULL;
    int version = -1, count = -1;
    int init = cuInit(0), older = cuGraphGetEdges_v2(0, 0, 0, 0, 0);
    cuGetErrorString(init, &text), cuGetErrorName(init, &name);
    int asked = cuDriverGetVersion(&version);
    printf("%d %s \"%s\" version %d (%d) count %d older %d\n", init, name ? name : "-", text ? text : "-",
           version, asked, cuDeviceGetCount(&count), older);
    return 0;
}
