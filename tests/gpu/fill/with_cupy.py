"""CuPy: its own pool, the driver's (`async`), or managed memory (`managed`)."""

import sys

import cupy
from serve import Client

OUT_OF_MEMORY = 2


class CuPy(Client):
    refusal = cupy.cuda.memory.OutOfMemoryError

    def __init__(self, way):
        make = {"pool": cupy.cuda.MemoryPool, "async": cupy.cuda.MemoryAsyncPool,
                "managed": lambda: cupy.cuda.MemoryPool(cupy.cuda.malloc_managed)}
        self.pool = make[way]()
        cupy.cuda.set_allocator(self.pool.malloc)

    def is_refusal(self, error):
        """The driver's pool answers in the runtime's words, in some versions."""
        plain = isinstance(error, cupy.cuda.runtime.CUDARuntimeError) and error.status == OUT_OF_MEMORY
        return plain or isinstance(error, self.refusal)

    def take(self, size):
        return cupy.cuda.alloc(size)

    def settle(self):
        cupy.cuda.Device().synchronize()
        self.pool.free_all_blocks()

    def views(self):
        free, total = cupy.cuda.runtime.memGetInfo()
        return {"memGetInfo": {"free": free, "total": total},
                "getDeviceProperties": {"total": cupy.cuda.runtime.getDeviceProperties(0)["totalGlobalMem"]}}


cupy.cuda.Device(0).use()
cupy.cuda.Device().synchronize()
CuPy(sys.argv[1]).serve()
