"""What a CUDA program looks like to cuota: one dlopen, then functions by name.

cuota run -- python3 examples/alloc.py
"""

import ctypes

driver = ctypes.CDLL("libcuda.so.1")


def call(name, *arguments):
    status = getattr(driver, name)(*arguments)
    if status:
        raise SystemExit(f"{name}: CUDA error {status}")


call("cuInit", 0)
device, context, memory = ctypes.c_int(), ctypes.c_void_p(), ctypes.c_uint64()
free, total = ctypes.c_size_t(), ctypes.c_size_t()
call("cuDeviceGet", ctypes.byref(device), 0)
call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
call("cuCtxSetCurrent", context)
call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(256 << 20))
call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
print(f"256 MiB taken, {free.value >> 20} of {total.value >> 20} MiB free")
call("cuMemFree_v2", memory)
call("cuDevicePrimaryCtxRelease_v2", device)
