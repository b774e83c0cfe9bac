"""CuPy: an array copied to the device, doubled there, copied back."""

import cupy
import numpy

print("CuPy", cupy.__version__)
there = cupy.asarray(numpy.arange(8, dtype=numpy.float32))
doubled = there * 2
print(cupy.asnumpy(doubled).tolist())
del there, doubled
cupy.get_default_memory_pool().free_all_blocks()
print(cupy.get_default_memory_pool().total_bytes(), "bytes kept")
