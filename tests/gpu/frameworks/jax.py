"""JAX: an array copied to the device, doubled there, copied back."""

import importlib.metadata
import os
import sys

if not any((found.metadata["Name"] or "").startswith("jax-cuda") for found in importlib.metadata.distributions()):
    print("this JAX has no CUDA plugin", file=sys.stderr)
    sys.exit(77)
os.environ["JAX_PLATFORMS"] = "cuda"
# Most of the card, taken at the start, is not what is to be seen here.
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"

import jax
import numpy

print("JAX", jax.__version__)
there = jax.device_put(numpy.arange(8, dtype=numpy.float32))
doubled = jax.jit(lambda x: x * 2)(there)
print(numpy.asarray(doubled).tolist())
there.delete()
doubled.delete()
