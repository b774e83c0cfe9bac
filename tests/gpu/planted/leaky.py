"""A client that says it gave everything back, and did not."""

import ctypes
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "fill"))
from serve import Client

DRIVER = ctypes.CDLL("libcuda.so.1")
OUT_OF_MEMORY = 2


class Leaky(Client):
    def take(self, size):
        if DRIVER.cuMemAlloc_v2(ctypes.byref(ctypes.c_uint64()), ctypes.c_size_t(size)) == OUT_OF_MEMORY:
            raise MemoryError

    def views(self):
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        DRIVER.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        return {"cuMemGetInfo": {"free": free.value, "total": total.value}}


context = ctypes.c_void_p()
DRIVER.cuInit(0)
DRIVER.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
DRIVER.cuCtxSetCurrent(context)
Leaky().serve()
