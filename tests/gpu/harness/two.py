"""Two clients on one card, under a scratch MPS daemon or under none, and what their ledgers say of faults."""

import contextlib
import json
import time
from typing import NamedTuple, Optional

from . import child, mps
from .quota import SECONDS, Bench
from .setting import scratch
from .talk import Silent, Talk

# For a client that may be kept out, and for the server to take new ones again.
ONE_START, ALL_STARTS = 20, 40
PAUSE = 0.05
# The simulated driver is told which of the member's calls submits work that faults.
FAULTS = {"CUOTA_SIM_FAULT": "cuLaunchCooperativeKernel:1=fault"}


@contextlib.contextmanager
def bench(setting, under_mps, variables=None):
    """Raises mps.Absent, and Silent."""
    with scratch() as folder:
        with (mps.daemon if under_mps else mps.nobody)(setting, folder) as told:
            with Bench(setting, folder, dict(told, **(variables or {}))) as made:
                yield made


def kernels_take(setting, seconds):
    """The variables for it: on the simulated driver it is the environment that says how long a kernel takes."""
    return {"CUOTA_SIM_KERNEL_US": str(int(seconds * 1e6))} if setting.dry else {}


class Work(NamedTuple):
    """What came of a client's work on words that are known."""

    status: int
    rounds: int
    # Words that are right, of so many.
    right: int
    words: int


def work(setting, answer):
    """The simulated driver moves words and computes nothing."""
    right = answer["moved" if setting.dry else "mixed"]
    return Work(answer["status"], answer["rounds"], right, answer["words"])


def well(name, seen):
    """What is wrong with work that nothing should have disturbed."""
    if seen.status:
        yield "{} lost the device: {}".format(name, seen.status)
    elif seen.right != seen.words or not seen.words:
        yield "of {} words of {} {} are right".format(seen.words, name, seen.right)


class Fault(NamedTuple):
    """A member's own record of what took the device from it."""

    status: int
    verdict: str
    # The process it names.
    culprit: Optional[int]


def records(made):
    """pid → its record, or None; of everybody in the ledgers. Raises Silent."""
    ask = [made.setting.command, "ps", "--json", "--dir", made.folder / "clients"]
    ended = child.run(ask, made.setting.environment(made.folder, False), made.folder, SECONDS)
    if ended.code != 0:
        raise Silent("cuota ps: " + ended.how())
    members = [one for client in json.loads(ended.out)["clients"] for one in client["members"]]
    return {one["pid"]: record(one["fault"]) for one in members}


def record(said):
    return said and Fault(said["status"], said["verdict"], (said["culprit"] or {}).get("pid"))


def why_not(made, name):
    """Why a new client cannot start now; nothing if it can. It ends again."""
    command = [made.setting.programs / "member", "malloc", made.setting.programs / "kernels.ptx"]
    with Talk(command, made.environment(name), made.folder, name) as talk:
        try:
            talk.answer(ONE_START)
        except Silent as why:
            return str(why)
        talk.finish(ONE_START)
    return ""


def why_never(made, name):
    """The same, tried again for a while."""
    end = time.monotonic() + ALL_STARTS
    while True:
        why = why_not(made, name)
        if not why or time.monotonic() > end:
            return why
        time.sleep(PAUSE)
