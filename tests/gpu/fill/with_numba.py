"""numba: device arrays, or managed ones (`managed`)."""

import gc
import sys
import warnings

warnings.simplefilter("ignore")
import numpy
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError
from serve import Client

OUT_OF_MEMORY = 2


class Numba(Client):
    def __init__(self, way):
        self.make = {"device": cuda.device_array, "managed": cuda.managed_array}[way]

    def take(self, size):
        return self.make(size, dtype=numpy.uint8)

    def is_refusal(self, error):
        return isinstance(error, CudaAPIError) and int(error.code) == OUT_OF_MEMORY

    def name_of(self, error):
        return "CudaAPIError " + str(error)

    def settle(self):
        gc.collect()
        cuda.synchronize()
        cuda.current_context().deallocations.clear()

    def views(self):
        free, total = cuda.current_context().get_memory_info()
        return {"get_memory_info": {"free": free, "total": total}}


cuda.synchronize()
Numba(sys.argv[1]).serve()
