"""numba-cuda, unmodified, under a quota: beyond it numba raises what it raises on a full card, and what
is freed can be had again."""

import warnings

warnings.simplefilter("ignore")
import numpy
from numba import cuda
from numba.cuda.cudadrv.driver import CudaAPIError

MIB = 1 << 20


def fill():
    pieces = []
    while True:
        try:
            pieces.append(cuda.device_array(8 * MIB, dtype=numpy.uint8))
        except CudaAPIError as error:
            return len(pieces) * 8, str(error)  # the error itself holds on to the pieces


print("total", cuda.current_context().get_memory_info().total // MIB)
for _ in range(2):
    filled, error = fill()
    print(filled, error)
there = cuda.to_device(numpy.arange(8))
print(there.copy_to_host().tolist())
