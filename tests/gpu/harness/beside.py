"""One client is refused, killed or told to end; another works beside it all the while."""

import signal
from typing import NamedTuple, Optional

from . import ledger, two
from .quota import SECONDS

# The neighbour holds that part of its quota.
PART = 8
# Of the work that is in flight: longer than it takes to end a process.
SECONDS_DRY, SECONDS_REAL = 0.5, 1.5
DONE = b"x"


class Seen(NamedTuple):
    # Exit code, and what it must be; what it was answered; who of its client lives afterwards.
    code: Optional[int]
    due: int
    refused: Optional[str]
    living: int
    # What the neighbour did meanwhile and afterwards; its account before and after; its record.
    meanwhile: two.Work
    after: two.Work
    before: Optional[ledger.Device]
    account: Optional[ledger.Device]
    record: Optional[two.Fault]
    # Why no new client could start afterwards.
    kept_out: str
    # What the file said when the end was due, and in the end.
    early: bytes = b""
    late: bytes = b""


def fills(made, one):
    refused = made.fill(one).get("refused")
    return one.finish(SECONDS).code, 0, dict(refused=refused)


def is_killed(made, one):
    one.ask("spin {}".format(length(made)), SECONDS)
    one.kill(signal.SIGKILL)
    return one.ended(SECONDS).code, -signal.SIGKILL, {}


def is_terminated(made, one):
    return with_work(made, one, lambda: one.kill(signal.SIGTERM), -signal.SIGTERM)


def returns(made, one):
    return with_work(made, one, lambda: None, 0)


def with_work(made, one, end, due):
    """It ends while work is in flight that leaves a mark when it is done."""
    mark = made.folder / "mark"
    mark.write_bytes(b".")
    one.ask("mark {} {}".format(length(made), mark), SECONDS)
    early = mark.read_bytes()
    end()
    code = one.finish(SECONDS).code if due == 0 else one.ended(SECONDS).code
    return code, due, dict(early=early, late=mark.read_bytes())


def length(made):
    """Nanoseconds."""
    return int((SECONDS_DRY if made.setting.dry else SECONDS_REAL) * 1e9)


def observe(setting, under_mps, trouble, variables=None):
    """Raises two.Silent and mps.Absent."""
    with two.bench(setting, under_mps, variables) as made:
        neighbour = made.member("beside", "malloc")
        slow = two.kernels_take(setting, SECONDS_DRY) if trouble is not fills else {}
        one = made.member("one", "malloc", slow)
        neighbour.ask("take {}".format(made.sizes.limit // PART), SECONDS)
        neighbour.ask("check", SECONDS)
        before = made.ledger("beside")
        neighbour.ask("labour", SECONDS)
        code, due, more = trouble(made, one)
        meanwhile = two.work(setting, neighbour.ask("check", SECONDS))
        after = two.work(setting, neighbour.answer(SECONDS))
        account, its = made.ledger("beside"), made.ledger("one")
        living = sum(member.alive for member in its.members) if its else 0
        record = two.records(made).get(neighbour.pid)
        kept_out = two.why_not(made, "late")
        found = dict(dict(refused=None), **more)
        return Seen(code, due, found.pop("refused"), living, meanwhile, after, before, account, record, kept_out,
                    **found)


def figures(seen):
    return {"exit": seen.code, "rounds meanwhile": seen.meanwhile.rounds, "words right": seen.meanwhile.right}


def complaints(seen, trouble, may_lose=False):
    """`may_lose`: it is documented that the neighbour may lose the device; then its ledger must say so."""
    if seen.code != seen.due:
        yield "it ended with {}, not {}".format(seen.code, seen.due)
    if trouble is fills and not seen.refused:
        yield "it was never refused"
    if trouble in (is_terminated, returns):
        yield from drained(seen)
    if seen.living:
        yield "{} of its members live on in the ledger".format(seen.living)
    if lost(seen) and may_lose:
        if seen.record is None:
            yield "the neighbour lost the device, and its ledger does not say so"
        return
    yield from undisturbed(seen)
    if seen.kept_out:
        yield "no new client could start afterwards: " + seen.kept_out


def drained(seen):
    if seen.early == DONE:
        yield "its work was done before its end: nothing is shown"
    if seen.late != DONE:
        yield "it ended before its work was done"


def undisturbed(seen):
    yield from two.well("the neighbour's meanwhile", seen.meanwhile)
    yield from two.well("the neighbour's afterwards", seen.after)
    if seen.record:
        yield "the neighbour's ledger has a fault: {}".format(seen.record)
    if not seen.before or not seen.account:
        yield "there is no ledger"
    elif charged(seen.before) != charged(seen.account):
        yield "the neighbour's account was {}, and is {}".format(charged(seen.before), charged(seen.account))


def charged(account):
    """Bytes it asked for, and refusals."""
    return account.used - account.untracked, account.refused


def lost(seen):
    return seen.after.status != 0
