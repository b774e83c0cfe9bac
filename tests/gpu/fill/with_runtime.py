"""The runtime API, by the newest libcudart that this interpreter's packages or the system have."""

import ctypes
import ctypes.util
import sys
from ctypes import byref, c_int, c_size_t, c_void_p
from pathlib import Path

from serve import Client

OUT_OF_MEMORY = 2
TOTAL_GLOBAL_MEM = 288  # where it stands in cudaDeviceProp, after name, UUID and LUID
GLOBAL, FLOAT = 1, 2


def library():
    found = [path for place in sys.path for path in Path(place or ".").glob("nvidia/*/lib/libcudart.so.*")]
    name = max(found, key=lambda path: path.name) if found else ctypes.util.find_library("cudart")
    if not name:
        print("there is no libcudart", file=sys.stderr)
        sys.exit(77)
    return ctypes.CDLL(str(name))


RUNTIME = library()


class Refused(Exception):
    """cudaErrorMemoryAllocation."""


def call(name, *arguments):
    status = getattr(RUNTIME, name)(*arguments)
    if status == OUT_OF_MEMORY:
        RUNTIME.cudaGetLastError()
        raise Refused("cudaErrorMemoryAllocation")
    if status:
        raise RuntimeError("{}: {}".format(name, status))


def plain(at, size):
    call("cudaMalloc", at, c_size_t(size))


def pitched(at, size):
    width = 1 << 20
    call("cudaMallocPitch", at, byref(c_size_t()), c_size_t(width), c_size_t(size // width))


def managed(at, size):
    call("cudaMallocManaged", at, c_size_t(size), GLOBAL)
    call("cudaMemset", at._obj, 1, c_size_t(size))
    call("cudaDeviceSynchronize")


def ordered(at, size):
    call("cudaMallocAsync", at, c_size_t(size), c_void_p())


def array(at, size):
    """64 KiB a row, of four floats each."""
    shape = (c_int * 5)(32, 32, 32, 32, FLOAT)
    call("cudaMallocArray", at, shape, c_size_t(4096), c_size_t(size >> 16), 0)


WAYS = {"malloc": (plain, "cudaFree"), "pitched": (pitched, "cudaFree"), "managed": (managed, "cudaFree"),
        "async": (ordered, "cudaFreeAsync"), "array": (array, "cudaFreeArray")}


class Piece:
    def __init__(self, take, free, size):
        self.at, self.free = c_void_p(), free
        take(byref(self.at), size)

    def __del__(self):
        if self.at.value:
            call(self.free, self.at, *[c_void_p()] * (self.free == "cudaFreeAsync"))


class Runtime(Client):
    refusal = Refused
    name_of = staticmethod(str)

    def __init__(self, way):
        self.way = WAYS[way]

    def take(self, size):
        return Piece(*self.way, size)

    def settle(self):
        call("cudaDeviceSynchronize")
        if self.way[0] is ordered:
            pool = c_void_p()
            call("cudaDeviceGetDefaultMemPool", byref(pool), 0)
            call("cudaMemPoolTrimTo", pool, c_size_t(0))

    def views(self):
        free, total, room = c_size_t(), c_size_t(), ctypes.create_string_buffer(1 << 14)
        call("cudaMemGetInfo", byref(free), byref(total))
        newer = "cudaGetDeviceProperties_v2"
        call(newer if hasattr(RUNTIME, newer) else "cudaGetDeviceProperties", room, 0)
        properties = c_size_t.from_buffer(room, TOTAL_GLOBAL_MEM)
        return {"cudaMemGetInfo": {"free": free.value, "total": total.value},
                "cudaGetDeviceProperties": {"total": properties.value}}


call("cudaFree", c_void_p())  # makes the context
Runtime(sys.argv[1]).serve()
