"""Shares of the multiprocessors under MPS: what is shown, what the ledger says, and what is done with them."""

import json
from typing import NamedTuple, Optional

from . import child, two
from .quota import SECONDS
from .talk import Silent

# They are given in pairs, on some devices in eights.
PAIR, STEP = 2, 8
# CUDA cores of one, by compute capability.
CORES = {7: 64, 8: 128, 9: 128, 10: 128, 12: 128}
A100 = [8, 0]


class Granted(NamedTuple):
    percent: int
    # What the client sees, and whether it is a client of MPS.
    shown: int
    by_mps: bool
    # What its ledger says it was granted, by MPS or not, and of how many; what NVML says there are.
    ledger: Optional[int]
    ledger_by_mps: bool
    of: Optional[int]
    all: Optional[int]


def observe(setting, percents, variables=None):
    """Raises Silent and mps.Absent."""
    with two.bench(setting, True, variables) as made:
        cards = made.cards()
        return [granted(made, percent, cards) for percent in percents]


def granted(made, percent, cards):
    name = "share-{}".format(percent)
    talk = made.member(name, "malloc", {"CUOTA_SM": "{}%".format(percent)})
    seen = talk.ask("sms", SECONDS)
    account = made.ledger(name)
    card = cards.get(account.uuid) if account else None
    ask = [made.setting.command, "ps", "--json", "--dir", made.folder / "clients"]
    ended = child.run(ask, made.setting.environment(made.folder, False), made.folder, SECONDS)
    if ended.code != 0:
        raise Silent("cuota ps: " + ended.how())
    client = next((one for one in json.loads(ended.out)["clients"] if one["client"] == name), None)
    grant = next((grant for one in client["members"] for grant in one["grants"]), None) if client else None
    talk.finish(SECONDS)
    return Granted(percent, seen["sms"], seen["mps"] == 1, grant and grant["sms"], bool(grant and grant["by_mps"]),
                   client and client["devices"][0]["sms"], card and multiprocessors(card))


def multiprocessors(card):
    if not card["cores"] or not card["capability"]:
        return None
    each = 64 if card["capability"] == A100 else CORES.get(card["capability"][0])
    return each and card["cores"] // each


def figures(seen):
    return {"asked": "{} %".format(seen.percent), "shown": seen.shown, "ledger": seen.ledger, "of": seen.of,
            "NVML": seen.all}


def complaints(seen):
    if not seen.by_mps:
        yield "it is no client of MPS"
    if (seen.ledger, seen.ledger_by_mps) != (seen.shown, True):
        yield "it is shown {}, its ledger says {}{}".format(
            seen.shown, seen.ledger, "" if seen.ledger_by_mps else ", and not by MPS")
    if seen.all and seen.of != seen.all:
        yield "the ledger says that there are {}, NVML says {}".format(seen.of, seen.all)
    if seen.of:
        wanted = seen.of * seen.percent / 100
        if not wanted - STEP < seen.shown < wanted + PAIR:
            yield "{} % of {} were asked for, and {} are shown".format(seen.percent, seen.of, seen.shown)


def together(setting, under_mps, percents, alone, both):
    """Kernels a second that each does alone and beside the other, for so many seconds each."""
    variables = two.kernels_take(setting, 0.001)
    with two.bench(setting, under_mps, variables) as made:
        talks = [made.member("share-{}".format(one), "malloc", {"CUOTA_SM": "{}%".format(one)}) for one in percents]
        order = "grind {}".format
        first = [rate(talk.ask(order(int(alone * 1000)), SECONDS)) for talk in talks]
        for talk in talks:
            talk.tell(order(int(both * 1000)))
        answers = [talk.answer(SECONDS + both, "grind") for talk in talks]
        return first, [rate(one) for one in answers], min(one["seconds"] for one in answers)


def short(seconds, due):
    if seconds < due:
        yield "they ran for {} s only, not for {}".format(seconds, due)


def rate(answer):
    return answer["times"] / answer["seconds"]
