"""Misses of part 2: name, what was complained of, and what must be (None: nothing)."""

import sys
from pathlib import Path

from harness import fill, pair
from harness.talk import Silent

LEAKY = Path(__file__).with_name("leaky.py")
# Ways in which a client can be without its quota.
WITHOUT = {"switched off": {"CUOTA_DISABLE": "1"}, "without the preload": {"LD_PRELOAD": ""}}
MANY = 1 << 60  # bytes


def cases(setting):
    member = [setting.programs / "member", "malloc", setting.programs / "kernels.ptx"]
    good = fill.observe(setting, member)
    yield "a client that keeps to its quota", complaints(good), None
    for how, variables in WITHOUT.items():
        without = complaints(fill.observe(setting, member, variables=variables))
        for word in ("bytes over the quota", "was never refused", "has no ledger"):
            yield "a quota {}: {}".format(how, word), without, word
    device = complaints(fill.observe(setting, member, variables={"CUOTA_VIEW": "device"}))
    yield "the card shown, not the slice", device, "cuMemGetInfo shows"
    yield "the card shown beside it", device, "nvmlDeviceGetMemoryInfo_v2 shows"
    other = complaints(fill.observe(setting, member, variables={"CUOTA_VRAM": "100MiB"}))
    yield "another quota than the one to keep", other, "the ledger's limit is"
    leaky = complaints(fill.observe(setting, [sys.executable, "-B", LEAKY]))
    yield "a client that leaks", leaky, "are charged after all was given back"
    yield "a client that cannot fill again", leaky, "could then have 0 only"
    for name, seen, word in falsified(good):
        yield name, complaints(seen), word
    yield "a client that fails", failing(setting), "exit status 9"
    yield "two that keep to their quota", pair.observe(setting)[1], None
    for how, variables in WITHOUT.items():
        found = pair.observe(setting, variables)[1]
        yield "a quota of two {}".format(how), found, "bytes over the quota"
    apart = pair.observe(setting, apart=True)[1]
    yield "two that do not share", apart, "bytes over the quota"


def complaints(seen):
    return list(fill.complaints(seen))


def falsified(good):
    """What was seen of a good client, but for one thing."""
    full, account = good.full, good.full.ledger

    def but(**changes):
        return good._replace(full=full._replace(ledger=account._replace(**changes)))

    yield "a peak over the quota", but(peak=good.sizes.limit + 1), "1 bytes over the quota"
    yield "a refusal that is not counted", but(refused=0), "counts no refusal"
    yield "held and not charged", but(used=full.held - 1), "are charged"
    early = but(used=account.used - good.sizes.room, untracked=0)
    yield "refused too early", early, "refused with 32.0 MiB left"
    more = good._replace(full=full._replace(card=full.card + 1))
    yield "memory past the ledger", more, "1 apart"
    yield "memory past the quota", more, "more than the quota"
    less = good._replace(full=full._replace(card=full.card - 1))
    yield "charged and not there", less, "-1 apart"
    yield "NVML silent", good._replace(full=full._replace(card=None)), "NVML says nothing"
    smi = {"nvidia-smi": {"total": good.sizes.limit, "used": MANY, "within": 1 << 20}}
    yield "nvidia-smi showing the card", good._replace(beside=smi), "nvidia-smi shows"
    yield "an end in error", good._replace(ended=good.ended._replace(code=1)), "exit status 1"


def failing(setting):
    try:
        fill.observe(setting, [setting.programs / "member", "no such way", ""])
    except Silent as why:
        return [str(why)]
    return []
