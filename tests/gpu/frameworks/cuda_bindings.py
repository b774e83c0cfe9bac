"""cuda-bindings: memory copied to the device, doubled by a kernel, copied back, through the driver API."""

from pathlib import Path

import cuda.bindings
import numpy
from cuda.bindings import driver


def done(answer):
    status, *values = answer
    if status != driver.CUresult.CUDA_SUCCESS:
        raise RuntimeError(status)
    return values[0] if values else None


print("cuda-bindings", cuda.bindings.__version__)
done(driver.cuInit(0))
device = done(driver.cuDeviceGet(0))
done(driver.cuCtxSetCurrent(done(driver.cuDevicePrimaryCtxRetain(device))))
module = done(driver.cuModuleLoadData(Path(__file__).with_name("twice.ptx").read_bytes() + b"\0"))
twice = done(driver.cuModuleGetFunction(module, b"twice"))
numbers = numpy.arange(8, dtype=numpy.uint32)
there = done(driver.cuMemAlloc(numbers.nbytes))
done(driver.cuMemcpyHtoD(there, numbers.ctypes.data, numbers.nbytes))
place = numpy.array([int(there)], dtype=numpy.uint64)
parameters = numpy.array([place.ctypes.data], dtype=numpy.uint64)
done(driver.cuLaunchKernel(twice, 1, 1, 1, 8, 1, 1, 0, 0, parameters.ctypes.data, 0))
done(driver.cuCtxSynchronize())
done(driver.cuMemcpyDtoH(numbers.ctypes.data, there, numbers.nbytes))
print(numbers.tolist())
done(driver.cuMemFree(there))
done(driver.cuModuleUnload(module))
done(driver.cuDevicePrimaryCtxRelease(device))
