"""PyCUDA: an array copied to the device, doubled by a kernel, copied back."""

from pathlib import Path

import numpy
import pycuda
import pycuda.driver as driver

print("PyCUDA", pycuda.VERSION_TEXT)
driver.init()
context = driver.Device(0).make_context()
module = driver.module_from_buffer(Path(__file__).with_name("twice.ptx").read_bytes() + b"\0")
numbers = numpy.arange(8, dtype=numpy.uint32)
there = driver.mem_alloc(numbers.nbytes)
driver.memcpy_htod(there, numbers)
module.get_function("twice")(there, block=(8, 1, 1), grid=(1, 1))
context.synchronize()
driver.memcpy_dtoh(numbers, there)
print(numbers.tolist())
there.free()
context.pop()
