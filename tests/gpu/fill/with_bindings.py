"""cuda-bindings: the driver API as NVIDIA offers it to Python, plain or stream-ordered (`async`)."""

import sys

from cuda.bindings import driver
from serve import Client


class Refused(Exception):
    """CUDA_ERROR_OUT_OF_MEMORY."""


def done(answer):
    status, *values = answer
    if status == driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
        raise Refused(status)
    if status != driver.CUresult.CUDA_SUCCESS:
        raise RuntimeError(status)
    return values[0] if len(values) == 1 else values


class Piece:
    def __init__(self, size, ordered):
        self.free = driver.cuMemFreeAsync if ordered else driver.cuMemFree
        self.stream = (0,) if ordered else ()
        take = driver.cuMemAllocAsync if ordered else driver.cuMemAlloc
        self.at = done(take(size, *self.stream))

    def __del__(self):
        if hasattr(self, "at"):
            done(self.free(self.at, *self.stream))


class Bindings(Client):
    refusal = Refused
    name_of = staticmethod(str)

    def __init__(self, way):
        self.ordered = way == "async"
        done(driver.cuInit(0))
        self.card = done(driver.cuDeviceGet(0))
        done(driver.cuCtxSetCurrent(done(driver.cuDevicePrimaryCtxRetain(self.card))))

    def take(self, size):
        return Piece(size, self.ordered)

    def settle(self):
        done(driver.cuCtxSynchronize())
        if self.ordered:
            done(driver.cuMemPoolTrimTo(done(driver.cuDeviceGetDefaultMemPool(self.card)), 0))

    def views(self):
        free, total = done(driver.cuMemGetInfo())
        return {"cuMemGetInfo": {"free": free, "total": total},
                "cuDeviceTotalMem": {"total": done(driver.cuDeviceTotalMem(self.card))}}


Bindings(sys.argv[1]).serve()
