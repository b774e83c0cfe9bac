"""numba-cuda, unmodified: compile a kernel, allocate, copy, launch, copy back."""

import warnings

warnings.simplefilter("ignore")
import numpy
from numba import cuda


@cuda.jit
def add_one(values):
    index = cuda.grid(1)
    if index < values.size:
        values[index] += 1


print(len(cuda.gpus), cuda.get_current_device().name)
values = cuda.to_device(numpy.arange(1024, dtype=numpy.float32))
add_one[4, 256](values)
cuda.synchronize()
print(values.copy_to_host().shape)
free, total = cuda.current_context().get_memory_info()
print(total)
del values
