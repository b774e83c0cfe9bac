"""numba: an array copied to the device, doubled by a kernel compiled here, copied back."""

import numba
import numpy
from numba import cuda


@cuda.jit
def twice(numbers):
    at = cuda.grid(1)
    if at < numbers.size:
        numbers[at] *= 2


print("numba", numba.__version__)
there = cuda.to_device(numpy.arange(8, dtype=numpy.float32))
twice[1, 8](there)
cuda.synchronize()
print(there.copy_to_host().tolist())
del there
cuda.current_context().deallocations.clear()
