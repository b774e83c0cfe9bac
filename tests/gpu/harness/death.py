"""A member of a client dies at some moment; another lives on, and so does a neighbour. Round by round."""

import random
import signal
import time
from typing import List, NamedTuple, Optional

from . import ledger
from .quota import MIB, SECONDS, Bench
from .setting import scratch

# How long a reader may see the dead, and how long the driver may take to let go of their memory.
LEDGER_SECONDS, CARD_SECONDS = 1, 10
PAUSE = 0.005
# The kernel outlives the moment of death; so it must not outlive the check by much.
KERNEL_SECONDS = 5
# The moment of death after the member said that it is at it, at most.
MOMENT_SECONDS = 0.03
# Survivor, neighbour and whoever is to die hold that part of the quota each; who takes and gives, twice that.
PART = 8


class Round(NamedTuple):
    """What was seen of one death."""

    signal: int
    # Exit code of the one that died.
    code: Optional[int]
    # What the survivor did meanwhile, held in the end, and was told of the card.
    times: int
    held: int
    views: dict
    # The survivor's and the neighbour's accounts; the neighbour's before, what it held before and after.
    account: Optional[ledger.Device]
    beside: Optional[ledger.Device]
    beside_before: Optional[ledger.Device]
    beside_held: List[int]
    # Bytes of the card that did not come back in time.
    lost: int
    # Seconds from the death until the ledger and the card were seen to be as they must.
    ledger_lag: float
    card_lag: float
    # What the survivor could fill, and the account then.
    filled: int
    when_full: Optional[ledger.Device]


class Scene:
    """A survivor and a neighbour; members die beside them."""

    def __init__(self, bench):
        self.bench = bench
        self.survivor, self.neighbour = (bench.member(name, "malloc") for name in ("pair", "beside"))
        self.part = bench.sizes.limit // PART
        for talk in (self.survivor, self.neighbour):
            talk.ask("take {}".format(self.part), SECONDS)
        self.beside = bench.ledger("beside")

    def card_used(self):
        cards = self.bench.cards()
        uuid = self.beside.uuid if self.beside else next(iter(cards))
        return cards[uuid]["used"]

    def round(self, number, in_kernel, seconds):
        bench, part = self.bench, self.part
        churn = "churn {} {}".format(bench.sizes.least, part * 2)
        base = self.card_used()
        # On the simulator it is the environment that says how long a kernel takes.
        slow = {"CUOTA_SIM_KERNEL_US": str(KERNEL_SECONDS * 1000000)} if bench.setting.dry else {}
        victim = bench.member("pair", "malloc", slow)
        victim.ask("take {}".format(part), SECONDS)
        self.survivor.ask(churn, SECONDS)
        victim.ask("spin {}".format(KERNEL_SECONDS * 10**9) if in_kernel else churn, SECONDS)
        time.sleep(random.random() * MOMENT_SECONDS)
        victim.kill(number)
        code = victim.ended(seconds).code
        died = time.monotonic()
        _, ledger_lag = until(died, LEDGER_SECONDS, lambda: not others(bench.ledger("pair"), self.survivor.pid))
        # The answer to the churning, then to the work.
        times = self.survivor.ask("work", SECONDS)["times"]
        held = self.survivor.answer(SECONDS)["held"]
        account = bench.ledger("pair")
        views = self.survivor.ask("view", SECONDS)["views"]
        allowed = base + held - part + bench.sizes.untracked
        back, card_lag = until(died, CARD_SECONDS, lambda: self.card_used() <= allowed)
        lost = 0 if back else max(0, self.card_used() - allowed)
        filled = bench.fill(self.survivor)["held"]
        when_full = bench.ledger("pair")
        self.survivor.ask("give", SECONDS)
        self.survivor.ask("take {}".format(part), SECONDS)
        beside_held = [self.neighbour.ask(word, SECONDS)["held"] for word in ("work", "view")]
        return Round(number, code, times, held, views, account, bench.ledger("beside"), self.beside, beside_held,
                     lost, ledger_lag, card_lag, filled, when_full)


def observe(setting, number, in_kernel, rounds, variables=None, seconds=SECONDS):
    """The rounds, and the sizes. Whoever is to die has so many seconds. Raises Silent."""
    with scratch() as folder, Bench(setting, folder, variables) as bench:
        scene = Scene(bench)
        return [scene.round(number, in_kernel, seconds) for _ in range(rounds)], bench.sizes


def others(account, pid):
    """Whether anybody but this one is there to hold anything."""
    return account is not None and any(member.alive and member.pid != pid for member in account.members)


def until(start, seconds, done):
    """Whether it came to be so long after the start, looked at step by step; and when it was."""
    while True:
        here, took = done(), time.monotonic() - start
        if here or took > seconds:
            return here, took
        time.sleep(PAUSE)


def figures(rounds):
    return {
        "deaths": len(rounds),
        "ledger lag ms": round(1000 * max(one.ledger_lag for one in rounds), 1),
        "card lag ms": round(1000 * max(one.card_lag for one in rounds), 1),
        "survivor's calls": sum(one.times for one in rounds),
        "MiB filled after": min(one.filled for one in rounds) // MIB,
    }


def complaints(one, sizes):
    if one.code != -one.signal:
        yield "it did not die of signal {}: {}".format(signal.Signals(one.signal).name, one.code)
    if not one.account or not one.when_full or not one.beside_before or not one.beside:
        yield "there is no ledger"
        return
    yield from survivor(one, sizes)
    before, after = one.beside_before, one.beside
    charged = after.used - after.untracked
    if after != before or set(one.beside_held) != {charged} or charged != sizes.limit // PART:
        yield "the neighbour holds {} bytes; its account was {}, and is {}".format(one.beside_held, before, after)
    if one.lost:
        yield "{} bytes of the card are not back after {} s".format(one.lost, CARD_SECONDS)


def survivor(one, sizes):
    account = one.account
    living = [member for member in account.members if member.alive]
    if len(living) != 1:
        yield "{} members live after {} s".format(len(living), LEDGER_SECONDS)
    if account.used - account.untracked != one.held:
        yield "the survivor holds {} bytes, the ledger says {}".format(
            one.held, account.used - account.untracked)
    said = one.views["cuMemGetInfo"]
    if said != {"free": sizes.limit - account.used, "total": sizes.limit}:
        yield "cuMemGetInfo shows the survivor {}, and {} of {} are used".format(said, account.used, sizes.limit)
    full = one.when_full
    if full.peak > sizes.limit:
        yield "{} bytes over the quota".format(full.peak - sizes.limit)
    if one.times == 0:
        yield "the survivor did nothing meanwhile"
    if one.filled != full.used - full.untracked or sizes.limit - full.used >= sizes.least:
        yield "the survivor could fill {} bytes, and {} of {} are used".format(one.filled, full.used, sizes.limit)
