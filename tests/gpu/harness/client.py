"""One client of the driver, run without cuota and with it; and what is wrong with what was seen."""

import re
from typing import NamedTuple, Optional

from . import tally
from .child import Ended
from .setting import scratch

SECONDS = 120

ALLOCATION = re.compile(r"cu(MemAlloc(?!Host)|MemCreate|Array(3D)?Create|MipmappedArrayCreate)")
LAUNCH = re.compile(r"cu(Launch(?!HostFunc)|GraphLaunch)")


class Seen(NamedTuple):
    bare: Ended
    hooked: Ended
    # What the hooks counted; None if there is no tally, or no tally that can be read.
    tally: Optional[tally.Tally]
    # Calls the simulated driver itself counted; None on a real one, which does not tell.
    driver: Optional[dict]


def observe(setting, command, seconds=SECONDS):
    with scratch() as folder:
        bare = setting.run(command, folder, False, seconds)
    with scratch() as folder:
        hooked = setting.run(command, folder, True, seconds)
        counted = tally.read_file(folder / "tally")
        return Seen(bare, hooked, counted, simulated_calls(folder / "sim") if setting.dry else None)


def simulated_calls(folder):
    """Calls by name, as the simulated driver counted them."""
    if not (folder / "calls").exists():
        return {}
    names = (folder / "names").read_text().split()
    words = memoryview((folder / "calls").read_bytes()).cast("Q")
    return {name: calls for name, calls in zip(names, words) if calls}


def figures(counted):
    """Linked, dlsym and driver are entry points the client came by in that way."""
    if counted is None:
        return {}
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


def ended_well(seen):
    if seen.bare.code != 0:
        yield "fails without cuota too: " + seen.bare.how()
    elif seen.hooked.code != 0:
        yield "fails with cuota: " + seen.hooked.how()
    else:
        yield from ended_alike(seen)


def ended_alike(seen):
    if seen.hooked.code != seen.bare.code:
        yield "without cuota: {}; with it: {}".format(seen.bare.how(), seen.hooked.how())
    if seen.hooked.out != seen.bare.out:
        yield "says {!r} without cuota, {!r} with it".format(seen.bare.out, seen.hooked.out)


def seen_at_work(seen, way=None):
    """Complaints unless the hooks saw it start, allocate and launch; and, where it is there to prove
    one way to an entry point, come by some in that way."""
    if seen.tally is None:
        return
    found = figures(seen.tally)
    if "cuInit" not in seen.tally.called():
        yield "the hooks saw no cuInit"
    for what in ("allocations", "launches"):
        if not found[what]:
            yield "the hooks saw no " + what
    if way and not found[way]:
        yield "it came by no entry point in the way it is there to prove: " + way


def nothing_passed_by(seen, known):
    """Complaints about calls and addresses that are not cuota's. `known` are the names it hooks or
    forwards on this driver; None if that could not be had."""
    for line in seen.hooked.err.splitlines():
        if line.startswith("cuota: error"):
            yield line
    if seen.tally is None:
        yield "the hooks saw nothing: there is no tally"
        return
    if seen.tally.untranslated:
        yield "cuGetProcAddress gave out {} addresses that are not cuota's".format(seen.tally.untranslated)
    for name, line in seen.tally.called().items():
        unknown = known is not None and name.startswith("cu") and name not in known
        if line.kind is None or unknown:
            yield name + " was called, and is neither hooked nor forwarded by name"
    if seen.driver is not None:
        yield from differences(seen.tally, seen.driver)


def differences(counted, driver):
    """Calls the driver itself saw and the hooks did not, or the other way round."""
    names = {name for name in driver if name.startswith("cu")} | set(counted.called())
    for name in sorted(names):
        line = counted.lines.get(name)
        # What cuota asked the driver itself is nobody's call.
        hooked, driven = line.calls if line else 0, driver.get(name, 0) - (line.asked if line else 0)
        if hooked != driven:
            yield "{}: the hooks saw {} calls, the driver {}".format(name, hooked, driven)
