"""PyTorch, with the allocator that PYTORCH_CUDA_ALLOC_CONF chooses."""

import gc
import sys

import torch
from serve import Client


class PyTorch(Client):
    refusal = torch.cuda.OutOfMemoryError

    def take(self, size):
        return torch.empty(size, dtype=torch.uint8, device="cuda")

    def settle(self):
        gc.collect()
        torch.cuda.synchronize()
        torch.cuda.empty_cache()

    def views(self):
        free, total = torch.cuda.mem_get_info()
        return {"torch.cuda.mem_get_info": {"free": free, "total": total},
                "get_device_properties": {"total": torch.cuda.get_device_properties(0).total_memory}}


if torch.version.cuda is None:
    print("this PyTorch is built without CUDA", file=sys.stderr)
    sys.exit(77)
torch.cuda.init()
torch.cuda.synchronize()
PyTorch().serve()
