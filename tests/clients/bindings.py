"""cuda-bindings, unmodified: initialise, query, create a context, allocate, copy, load, launch, free."""

import ctypes

from cuda.bindings import driver

PTX = b"""
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing(.param .u64 pointer) { ret; }
\0"""


def ok(answer):
    status, *rest = answer
    assert status == driver.CUresult.CUDA_SUCCESS, status
    return rest[0] if len(rest) == 1 else rest


ok(driver.cuInit(0))
device = ok(driver.cuDeviceGet(0))
print(ok(driver.cuDeviceGetCount()), ok(driver.cuDeviceGetName(64, device)).rstrip(b"\0").decode())
print(ok(driver.cuDriverGetVersion()), ok(driver.cuDeviceTotalMem(device)))
context = ok(driver.cuDevicePrimaryCtxRetain(device))
ok(driver.cuCtxSetCurrent(context))
pointer = ok(driver.cuMemAlloc(1 << 20))
text = b"through the driver"
ok(driver.cuMemcpyHtoD(pointer, text, len(text)))
back = bytearray(len(text))
ok(driver.cuMemcpyDtoH(back, pointer, len(text)))
print(back.decode())
module = ok(driver.cuModuleLoadData(PTX))
function = ok(driver.cuModuleGetFunction(module, b"nothing"))
stream = ok(driver.cuStreamCreate(0))
arguments = ((int(pointer),), (ctypes.c_void_p,))
ok(driver.cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, stream, arguments, 0))
ok(driver.cuStreamSynchronize(stream))
ok(driver.cuModuleUnload(module))
ok(driver.cuMemFree(pointer))
status, *_ = driver.cuMemFree(pointer)
print(status)
ok(driver.cuDevicePrimaryCtxRelease(device))
