"""JAX, with the allocator and the fraction of the card that its variables choose."""

import importlib.metadata
import os
import sys

if not any((found.metadata["Name"] or "").startswith("jax-cuda") for found in importlib.metadata.distributions()):
    print("this JAX has no CUDA plugin", file=sys.stderr)
    sys.exit(77)
os.environ["JAX_PLATFORMS"] = "cuda"

import jax
import numpy
from serve import Client

CARD = jax.devices()[0]


class Jax(Client):
    def take(self, size):
        return jax.device_put(numpy.empty(size, dtype=numpy.uint8), CARD).block_until_ready()

    def is_refusal(self, error):
        named = type(error).__name__ in ("XlaRuntimeError", "JaxRuntimeError")
        return named and "RESOURCE_EXHAUSTED" in str(error)

    def views(self):
        """JAX tells only what it may take: a fraction of the card's total."""
        most = (CARD.memory_stats() or {}).get("bytes_limit")
        fraction = float(os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", 0.75))
        return {"bytes_limit": {"total": round(most / fraction), "within": 1 << 20}} if most else {}


Jax().serve()
