"""PyCUDA: plain memory."""

import pycuda.driver as driver
from serve import Client


class PyCuda(Client):
    refusal = driver.MemoryError

    def take(self, size):
        return driver.mem_alloc(size)

    def views(self):
        free, total = driver.mem_get_info()
        return {"mem_get_info": {"free": free, "total": total},
                "total_memory": {"total": driver.Device(0).total_memory()}}


driver.init()
context = driver.Device(0).make_context()
try:
    PyCuda().serve()
finally:
    context.pop()
