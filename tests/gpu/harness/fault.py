"""One client's work faults beside another's: who loses the device, and what each ledger says of it."""

from typing import Dict, List, NamedTuple, Optional

from . import two
from .quota import SECONDS

LEFT = 75
# Statuses that say that the device is lost.
FATAL = {700, 702, 710, *range(714, 722)}
NOT_READY = "807"


class Seen(NamedTuple):
    under_mps: bool
    # Whether they are to leave after a fault.
    leave: bool
    # The one whose work faults, and the neighbour: pids, what they were answered, exit codes.
    pids: List[int]
    statuses: List[Optional[int]]
    codes: List[Optional[int]]
    records: Dict[int, Optional[two.Fault]]
    # The neighbour's work after the fault.
    after: Optional[two.Work]
    # Why a new client could not start while both were there, and after both had ended.
    kept_out: str
    kept_out_for_good: str


def observe(setting, under_mps, leave, variables=None, seconds=SECONDS):
    """Whoever is to leave has so many seconds. Raises two.Silent and mps.Absent."""
    told = dict({"CUOTA_ON_FAULT": "exit" if leave else "keep"}, **(variables or {}))
    with two.bench(setting, under_mps, told) as made:
        one, neighbour = made.member("one", "malloc", two.FAULTS), made.member("beside", "malloc")
        both = [one, neighbour]
        for talk in both:
            talk.ask("check", SECONDS)
        see = leaving if leave else staying
        statuses, after = see(setting, one, neighbour)
        kept_out = "" if leave else two.why_not(made, "early")
        codes = [talk.ended(seconds).code if leave else None for talk in both]
        records = two.records(made)
        for talk in both:
            talk.finish(SECONDS)
        never = two.why_never(made, "late")
        return Seen(under_mps, leave, [talk.pid for talk in both], statuses, codes, records, after, kept_out, never)


def leaving(setting, one, neighbour):
    """The neighbour is idle, and asks nothing."""
    one.tell("strike")
    return [None, None], None


def staying(setting, one, neighbour):
    """The neighbour is at work."""
    neighbour.ask("labour", SECONDS)
    status = one.ask("strike", SECONDS)["status"]
    neighbour.ask("check", SECONDS)
    after = two.work(setting, neighbour.answer(SECONDS))
    return [status, after.status], after


def figures(seen):
    ours = [seen.records.get(pid) for pid in seen.pids]
    said = [one.verdict if one else "nothing" for one in ours]
    return {"statuses": " ".join(str(one.status) if one else "-" for one in ours),
            "ledgers say": ", ".join(said), "exit": " ".join(map(str, seen.codes)) if seen.leave else "stay"}


def complaints(seen):
    (own, victim), (its, other) = seen.pids, [seen.records.get(pid) for pid in seen.pids]
    yield from recorded("the one at fault", its, seen.statuses[0])
    if its and (its.verdict, its.culprit) not in (("culprit", None), ("unknown", None)):
        yield "the one at fault is told that it was {}".format(its)
    if seen.under_mps:
        yield from recorded("the neighbour", other, seen.statuses[1])
        if other and (other.verdict, other.culprit) not in (("victim", own), ("unknown", None)):
            yield "the neighbour is told that it was {}, and it was process {}".format(other, own)
        if not seen.leave and NOT_READY not in seen.kept_out:
            yield "while both stay a new client hears {}".format(seen.kept_out or "nothing: it starts")
    else:
        yield from apart(seen, its, other)
    if seen.leave and seen.codes != [LEFT, LEFT]:
        yield "they ended with {}, not with {}".format(seen.codes, LEFT)
    if seen.kept_out_for_good:
        yield "after both had ended no new client could start: " + seen.kept_out_for_good


def recorded(name, record, answered):
    if record is None:
        yield "{}: its ledger says nothing of a fault (it was answered {})".format(name, answered)
    elif record.status not in FATAL or answered is not None and record.status != answered:
        yield "{} was answered {}, its ledger says {}".format(name, answered, record.status)


def apart(seen, its, other):
    """Without MPS a fault is its maker's own."""
    if its and its.verdict != "culprit":
        yield "without MPS the fault was its own, and its ledger says {}".format(its.verdict)
    if other:
        yield "the neighbour's ledger has a fault: {}".format(other)
    yield from two.well("the neighbour's", seen.after)
    if seen.kept_out:
        yield "a new client could not start: " + seen.kept_out
