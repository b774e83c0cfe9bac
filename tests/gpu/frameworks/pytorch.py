"""PyTorch: a tensor copied to the device, doubled there, copied back."""

import sys

import torch

if torch.version.cuda is None:
    print("this PyTorch is built without CUDA", file=sys.stderr)
    sys.exit(77)
print("PyTorch", torch.__version__)
there = torch.arange(8, dtype=torch.float32).to("cuda")
doubled = there * 2
torch.cuda.synchronize()
print(doubled.cpu().tolist())
del there, doubled
torch.cuda.empty_cache()
print(torch.cuda.memory_reserved(), "bytes kept")
