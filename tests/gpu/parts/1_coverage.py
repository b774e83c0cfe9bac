"""Part 1, coverage: every way of every client to the driver leads through the hooks."""

import json
import re
from pathlib import Path
from typing import NamedTuple, Optional

from harness import report, tally
from harness.child import Ended
from harness.setting import scratch

TITLE = "Coverage: what the hooks saw of each client; linked, dlsym and driver are entry points come by in that way"

FRAMEWORKS = Path(__file__).resolve().parent.parent / "frameworks"
PTX = FRAMEWORKS / "twice.ptx"
SECONDS = 120

# A file in FRAMEWORKS, and the module without which it has nothing to run.
MODULES = {
    "pytorch": "torch",
    "cupy": "cupy",
    "jax": "jax",
    "numba": "numba.cuda",
    "cuda_bindings": "cuda.bindings",
    "pycuda": "pycuda.driver",
}
# How a script says that its framework was built without CUDA.
NOTHING_TO_RUN = 77
# Run by name and not by path: a script called cupy.py must not be what `import cupy` finds.
RUN = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
FIND = "import sys; from importlib.util import find_spec; sys.exit(find_spec(sys.argv[1]) is None)"

ALLOCATION = re.compile(r"cu(MemAlloc(?!Host)|MemCreate|Array(3D)?Create|MipmappedArrayCreate)")
LAUNCH = re.compile(r"cu(Launch(?!HostFunc)|GraphLaunch)")


class Seen(NamedTuple):
    """One client, run without cuota and with it."""

    bare: Ended
    hooked: Ended
    tally: Optional[tally.Tally]
    # Calls the simulated driver itself counted; None on a real one, which does not tell.
    driver: Optional[dict] = None


def checks(setting):
    row, known = doctor(setting)
    yield row
    for way in ("linked", "dlsym", "cuGetProcAddress", "cuGetProcAddress_v2"):
        program = setting.programs / ("client-linked" if way == "linked" else "client")
        seen = observe(setting, [program, way, PTX])
        yield judge("coverage/" + way, seen, known, way="driver" if way.startswith("cu") else way)
    for name, module in MODULES.items():
        yield framework(setting, name, module, known)


def framework(setting, name, module, known):
    check = "coverage/" + name
    with scratch() as folder:
        found = setting.run([setting.python, "-c", FIND, module], folder, False, SECONDS)
    if found.code != 0:
        return report.Row(check, report.ABSENT, remarks=["{} has no {}".format(setting.python, module)])
    seen = observe(setting, [setting.python, "-c", RUN, FRAMEWORKS / (name + ".py")])
    if seen.bare.code == NOTHING_TO_RUN:
        return report.Row(check, report.ABSENT, remarks=[seen.bare.how()])
    return judge(check, seen, known)


def observe(setting, command, seconds=SECONDS):
    with scratch() as folder:
        bare = setting.run(command, folder, False, seconds)
    with scratch() as folder:
        hooked = setting.run(command, folder, True, seconds)
        path = folder / "tally"
        counted = tally.read(path.read_bytes()) if path.exists() else None
        return Seen(bare, hooked, counted, simulated_calls(folder / "sim") if setting.dry else None)


def simulated_calls(folder):
    """Calls by name, as the simulated driver counted them."""
    if not (folder / "calls").exists():
        return {}
    names = (folder / "names").read_text().split()
    words = memoryview((folder / "calls").read_bytes()).cast("Q")
    return {name: calls for name, calls in zip(names, words) if calls}


def judge(check, seen, known, way=None):
    found = figures(seen.tally) if seen.tally else {}
    remarks = seen.bare.out.splitlines()[:1]
    if seen.tally and seen.tally.tables:
        tables = ("{} (asked {asked}, granted {granted})".format(uuid, **counts)
                  for uuid, counts in seen.tally.tables.items())
        remarks.append("export tables: " + ", ".join(tables))
    return report.judged(check, list(complaints(seen, known, way)), found, remarks)


def figures(counted):
    called = counted.called()
    return {
        "entry points": len(called),
        "calls": sum(line.calls for line in called.values()),
        "allocations": calls_of(ALLOCATION, counted),
        "launches": calls_of(LAUNCH, counted),
        "linked": sum(not (line.by_dlsym or line.by_driver) for line in called.values()),
        "dlsym": sum(bool(line.by_dlsym) for line in counted.lines.values()),
        "driver": sum(bool(line.by_driver) for line in counted.lines.values()),
        "untranslated": counted.untranslated,
        "export tables": counted.tables,
    }


def calls_of(pattern, counted):
    return sum(line.calls for name, line in counted.lines.items() if pattern.match(name))


def complaints(seen, known, way=None):
    """What is wrong with what was seen. `known` are the names cuota hooks or forwards on this driver
    (None: not to be had), `way` the way this client must have gone."""
    if seen.bare.code != 0:
        yield "fails without cuota too: " + seen.bare.how()
        return
    if seen.hooked.code != 0:
        yield "fails with cuota: " + seen.hooked.how()
    elif seen.hooked.out != seen.bare.out:
        yield "says {!r} without cuota, {!r} with it".format(seen.bare.out, seen.hooked.out)
    if seen.tally is None:
        yield "the hooks saw nothing: there is no tally"
        return
    called = seen.tally.called()
    if "cuInit" not in called:
        yield "the hooks saw no cuInit"
    if not calls_of(ALLOCATION, seen.tally):
        yield "the hooks saw no allocation"
    if not calls_of(LAUNCH, seen.tally):
        yield "the hooks saw no launch"
    if seen.tally.untranslated:
        yield "cuGetProcAddress gave out {} addresses that are not cuota's".format(seen.tally.untranslated)
    if way and not figures(seen.tally)[way]:
        yield "it did not come by any entry point in the way it is there to prove ({})".format(way)
    for name, line in called.items():
        unknown = known is not None and name.startswith("cu") and name not in known
        if line.kind is None or unknown:
            yield name + " was called, and is neither hooked nor forwarded by name"
    yield from differences(seen)


def differences(seen):
    """Calls the driver itself saw and the hooks did not, or the other way round."""
    if seen.driver is None:
        return
    names = {name for name in seen.driver if name.startswith("cu")} | set(seen.tally.called())
    for name in sorted(names):
        line = seen.tally.lines.get(name)
        hooked, driven = line.calls if line else 0, seen.driver.get(name, 0)
        if hooked != driven:
            yield "{}: the hooks saw {} calls, the driver {}".format(name, hooked, driven)


def doctor(setting):
    """The row of `cuota doctor --coverage`, and the names it says are hooked or forwarded here."""
    with scratch() as folder:
        ended = setting.run([setting.command, "doctor", "--coverage", "--json"], folder, False, SECONDS)
    try:
        found = json.loads(ended.out)
        coverage = found["coverage"] or {}
        findings = ["{id}: {severity}: {found}".format(**check) for check in found["checks"]
                    if check["severity"] != "ok"]
    except (ValueError, KeyError, TypeError) as why:
        return report.judged("coverage/doctor", [ended.how(), "its JSON: {!r}".format(why)], {}), None
    forwarded = [name for group in coverage.get("forwarded", []) for name in group["names"]]
    hooked = coverage.get("body", []) + coverage.get("row", [])
    counts = {"hooked": len(hooked), "forwarded": len(forwarded), "unknown": len(coverage.get("unknown", []))}
    trouble = [] if ended.code == 0 and coverage else [ended.how()]
    row = report.judged("coverage/doctor", trouble, counts, findings)
    return row, set(hooked + forwarded) if coverage else None
