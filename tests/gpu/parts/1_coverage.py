"""Part 1, coverage: every way of every client to the driver leads through the hooks."""

import json
from pathlib import Path

from harness import client
from harness.report import Row
from harness.setting import scratch

TITLE = "Coverage: what the hooks saw; linked, dlsym and driver are entry points come by in that way"

FRAMEWORKS = Path(__file__).resolve().parent.parent / "frameworks"
PTX = FRAMEWORKS / "twice.ptx"

# A file in FRAMEWORKS, and the module without which it has nothing to run.
MODULES = {
    "pytorch": "torch",
    "cupy": "cupy",
    "jax": "jax",
    "numba": "numba.cuda",
    "cuda_bindings": "cuda.bindings",
    "pycuda": "pycuda.driver",
}
# These start libcudart, which starts only on a driver with its private tables.
NOT_ON_THE_SIMULATOR = {"pytorch", "cupy", "jax"}
# How a script says that its framework is built without CUDA.
NOTHING_TO_RUN = 77
# From -c and not by its path: a script called cupy.py must not be what `import cupy` finds.
RUN = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
FIND = "import sys; from importlib.util import find_spec; sys.exit(find_spec(sys.argv[1]) is None)"


def checks(setting):
    row, known = doctor(setting)
    yield row
    for way in ("linked", "dlsym", "cuGetProcAddress", "cuGetProcAddress_v2"):
        program = setting.programs / ("client-linked" if way == "linked" else "client")
        seen = client.observe(setting, [program, way, PTX])
        yield judged("coverage/" + way, seen, known, "driver" if way.startswith("cu") else way)
    for name, module in MODULES.items():
        yield framework(setting, name, module, known)


def framework(setting, name, module, known):
    check = "coverage/" + name
    with scratch() as folder:
        found = setting.run([setting.python, "-c", FIND, module], folder, False, client.SECONDS)
    if found.code != 0:
        return Row(check, remarks=["{} has no {}".format(setting.python, module)], absent=True)
    seen = client.observe(setting, [setting.python, "-c", RUN, FRAMEWORKS / (name + ".py")])
    if seen.bare.code == NOTHING_TO_RUN:
        return Row(check, remarks=[seen.bare.how()], absent=True)
    if setting.dry and name in NOT_ON_THE_SIMULATOR and seen.bare.code != 0:
        return stopped_by_the_simulator(check, seen, known)
    return judged(check, seen, known)


def stopped_by_the_simulator(check, seen, known):
    """Not a pass, for it did nothing; but what it did must have gone through the hooks."""
    complaints = [*client.ended_alike(seen), *client.nothing_passed_by(seen, known)]
    stopped = "stops on the simulated driver, which has no private tables: " + seen.bare.how()
    return Row(check, client.figures(seen.tally), complaints, [stopped, *remarks(seen)], absent=True)


def judged(check, seen, known, way=None):
    complaints = [*client.ended_well(seen), *client.seen_at_work(seen, way), *client.nothing_passed_by(seen, known)]
    return Row(check, client.figures(seen.tally), complaints, remarks(seen))


def remarks(seen):
    """Who it says it is; what cuota said; the private tables it asked for."""
    yield from seen.bare.out.splitlines()[:1]
    for line in seen.hooked.err.splitlines():
        if line.startswith("cuota: warn"):
            yield line
    if seen.tally:
        for uuid, counts in seen.tally.tables.items():
            yield "export table {}: asked {asked}, granted {granted}".format(uuid, **counts)


def doctor(setting):
    """The row of `cuota doctor --coverage`, and the names it says are hooked or forwarded here."""
    with scratch() as folder:
        ended = setting.run([setting.command, "doctor", "--coverage", "--json"], folder, False, client.SECONDS)
    try:
        found = json.loads(ended.out)
        coverage = found["coverage"] or {}
        remarks = ["{id}: {severity}: {found}".format(**check) for check in found["checks"]
                   if check["severity"] != "ok"]
        forwarded = [name for group in coverage.get("forwarded", ()) for name in group["names"]]
        hooked = coverage.get("body", []) + coverage.get("row", [])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Row("coverage/doctor", complaints=["no report: " + ended.how()]), None
    if not coverage:
        return Row("coverage/doctor", complaints=["it lists nothing: " + ended.how()], remarks=remarks), None
    counts = {"hooked": len(hooked), "forwarded": len(forwarded), "unknown": len(coverage.get("unknown", ()))}
    complaints = [ended.how()] if ended.code != 0 else []
    return Row("coverage/doctor", counts, complaints, remarks), set(hooked + forwarded)
