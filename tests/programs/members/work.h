/* Work for the device: a kernel, and what faults (CUOTA_SIM_FAULT says which call: a cooperative launch). */
extern int cuModuleGetFunction(handle *, handle, const char *), cuStreamQuery(handle), cuCtxGetFlags(unsigned *);
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
