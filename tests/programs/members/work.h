/* Work for the device: a kernel, and what faults (CUOTA_SIM_FAULT says which call: a cooperative launch). */
extern int cuModuleGetFunction(handle *, handle, const char *), cuStreamQuery(handle), cuCtxGetFlags(unsigned *);
extern int cuCtxGetCurrent(handle *), cuMemcpyDtoHAsync_v2(void *, dptr, size_t, handle);
extern int cuLaunchKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **, void **);
extern int cuLaunchCooperativeKernel(handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **);

static handle module, function;

static int prepare(void)
{
    static const char code[] = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry work() { ret; }\n";
    int status = function ? 0 : cuModuleLoadData(&module, code);
    return status || function ? status : cuModuleGetFunction(&function, module, "work");
}

static long launch(handle stream)
{
    int status = prepare();
    return status ? status : cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL);
}

/* Another context of the device, or its primary one; work is where the code was loaded. */
static long use_context(int another)
{
    handle context = 0;
    function = 0;
    return another ? cuCtxCreate_v2(&context, 0, 0) : cuDevicePrimaryCtxRetain(&context, 0) || cuCtxSetCurrent(context);
}

static handle there;

/* A stream on another device, which stays in the background. */
static long stream_on(int device)
{
    handle here = 0, context = 0;
    if (cuCtxGetCurrent(&here) || cuDevicePrimaryCtxRetain(&context, device) || cuCtxSetCurrent(context))
        return -1;
    return cuStreamCreate(&there, 0) || cuCtxSetCurrent(here);
}

/* On a device of its own, from the start. */
static long work_on(int device)
{
    handle context = 0;
    int status = cuInit(0);
    function = 0;
    return status ? status : cuDevicePrimaryCtxRetain(&context, device) || cuCtxSetCurrent(context);
}

static long copy_out(void)
{
    static char room[64];
    dptr at = 0;
    int status = cuMemAlloc_v2(&at, sizeof room);
    return status ? status : cuMemcpyDtoHAsync_v2(room, at, sizeof room, 0);
}

static long launch_elsewhere(void)
{
    handle stream = 0;
    int status = cuStreamCreate(&stream, 0);
    return status ? status : launch(stream);
}

static long launch_that_faults(void)
{
    int status = prepare();
    return status ? status : cuLaunchCooperativeKernel(function, 1, 1, 1, 1, 1, 1, 0, 0, NULL);
}
