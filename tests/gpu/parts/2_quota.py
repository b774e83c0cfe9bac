"""Part 2, quota: by each way to hold device memory, up to the quota and not a byte further."""

from pathlib import Path

from harness import fill, pair
from harness.fill import Kind
from harness.report import Row
from harness.setting import scratch
from harness.talk import Silent

TITLE = "Quota: filled by each way, in MiB; `over` in bytes"

CLIENTS = Path(__file__).resolve().parent.parent / "fill"
WAYS = ("malloc", "pitched", "managed", "async", "pool", "vmm", "array", "mipmap", "graph")
# How a script says that it has nothing to run.
NOTHING_TO_RUN = 77
FIND = "import sys; from importlib.util import find_spec; sys.exit(find_spec(sys.argv[1]) is None)"
MODULES = {"runtime": None, "pytorch": "torch", "cupy": "cupy", "jax": "jax", "numba": "numba.cuda",
           "bindings": "cuda.bindings", "pycuda": "pycuda.driver"}
# These start libcudart, which starts only on a driver with its private tables.
NOT_ON_THE_SIMULATOR = {"runtime", "pytorch", "cupy", "jax"}

MANAGED, ON_DEMAND = Kind(managed=True), Kind(keeps=True, slow=True)
# Their pool is cut to a size of its own.
ITS_OWN = Kind(keeps=True, slow=True, own_limit=True)
TORCH, JAX_ON_DEMAND = "PYTORCH_CUDA_ALLOC_CONF", {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
JAX_ALLOCATOR, JAX_FRACTION = "XLA_PYTHON_CLIENT_ALLOCATOR", "XLA_PYTHON_CLIENT_MEM_FRACTION"

# Script, argument, what is asked of it, its variables.
FRAMEWORKS = [
    ("runtime", "malloc", Kind(), {}),
    ("runtime", "pitched", Kind(), {}),
    ("runtime", "managed", MANAGED, {}),
    ("runtime", "async", Kind(), {}),
    ("runtime", "array", Kind(), {}),
    ("pytorch", "native", Kind(), {}),
    ("pytorch", "expandable", Kind(), {TORCH: "expandable_segments:True"}),
    ("pytorch", "async", Kind(), {TORCH: "backend:cudaMallocAsync"}),
    ("cupy", "pool", Kind(), {}),
    ("cupy", "async", Kind(), {}),
    ("cupy", "managed", MANAGED, {}),
    ("jax", "on demand", ON_DEMAND, dict(JAX_ON_DEMAND, **{JAX_FRACTION: "1.0"})),
    ("jax", "half", ITS_OWN, {JAX_FRACTION: "0.5"}),
    ("jax", "platform", ON_DEMAND, dict(JAX_ON_DEMAND, **{JAX_ALLOCATOR: "platform"})),
    ("jax", "async", ITS_OWN, dict(JAX_ON_DEMAND, **{JAX_ALLOCATOR: "cuda_async"})),
    ("numba", "device", Kind(keeps=True), {}),
    ("numba", "managed", Kind(keeps=True, managed=True), {}),
    ("bindings", "malloc", Kind(), {}),
    ("bindings", "async", Kind(), {}),
    ("pycuda", "malloc", Kind(), {}),
]


def checks(setting):
    for way in WAYS:
        command = [setting.programs / "member", way, setting.programs / "kernels.ptx"]
        yield judged("quota/driver " + way, setting, command, Kind(managed=way == "managed", smi=way == "malloc"))
    absent = {name: lacks(setting, module) for name, module in MODULES.items()}
    for name, argument, kind, variables in FRAMEWORKS:
        check = "quota/{} {}".format(name, argument)
        if absent[name]:
            yield Row(check, remarks=[absent[name]], absent=True)
            continue
        command = [setting.python, "-B", CLIENTS / "with_{}.py".format(name), argument]
        yield judged(check, setting, command, kind, variables, name in NOT_ON_THE_SIMULATOR)
    yield two_processes(setting)


def lacks(setting, module):
    """Why its clients cannot run, if they cannot."""
    with scratch() as folder:
        if module and setting.run([setting.python, "-c", FIND, module], folder, False, 60).code != 0:
            return "{} has no {}".format(setting.python, module)
    return None


def judged(check, setting, command, kind, variables=None, stops=False):
    try:
        seen = fill.observe(setting, command, kind, variables)
    except Silent as why:
        return unanswered(check, setting, str(why), stops)
    how = "by its pid" if seen.full.by_pid else "by the card's growth"
    shown = ", ".join(sorted({**seen.full.views, **seen.beside}))
    remarks = ["refused with {}; slice shown by {}; NVML {}".format(seen.refused or "nothing", shown, how)]
    return Row(check, fill.figures(seen), fill.complaints(seen), remarks)


def unanswered(check, setting, why, stops):
    if "exit status {}".format(NOTHING_TO_RUN) in why:
        return Row(check, remarks=[why], absent=True)
    if setting.dry and stops:
        stopped = "stops on the simulated driver, which has no private tables: " + why
        return Row(check, remarks=[stopped], absent=True)
    return Row(check, complaints=[why])


def two_processes(setting):
    try:
        figures, complaints = pair.observe(setting)
    except Silent as why:
        figures, complaints = {}, [str(why)]
    return Row("quota/two processes", figures, complaints)
