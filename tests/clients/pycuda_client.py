"""pycuda, unmodified: it is linked to libcuda.so.1. Load PTX, allocate, copy, launch, free."""

import numpy
import pycuda.driver as driver

PTX = b"""
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing(.param .u64 pointer) { ret; }
"""

driver.init()
device = driver.Device(0)
context = device.make_context()
print(driver.Device.count(), device.name(), driver.get_driver_version(), driver.mem_get_info()[1])
values = numpy.arange(1024, dtype=numpy.float32)
pointer = driver.mem_alloc(values.nbytes)
driver.memcpy_htod(pointer, values)
module = driver.module_from_buffer(PTX)
stream = driver.Stream()
module.get_function("nothing")(pointer, block=(32, 1, 1), grid=(1, 1), stream=stream)
stream.synchronize()
back = numpy.empty_like(values)
driver.memcpy_dtoh(back, pointer)
print((back == values).all())
pointer.free()
context.pop()
