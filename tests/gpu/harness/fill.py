"""One client that fills its quota, is refused, gives back and fills again; and what is wrong with what
was seen of it."""

from typing import NamedTuple, Optional

from .child import Ended
from .quota import MIB, SECONDS, Bench, Moment, Sizes
from .setting import scratch


class Kind(NamedTuple):
    """What is asked of a client. By default all of it."""

    # It stops at a limit of its own, below the quota.
    own_limit: bool = False
    # Its framework keeps what was given back.
    keeps: bool = False
    # Its memory is the host's too, and NVML need not list it.
    managed: bool = False
    # It thinks for seconds before it says no: it is asked once only.
    slow: bool = False
    # nvidia-smi is asked as well.
    smi: bool = False


class Seen(NamedTuple):
    sizes: Sizes
    kind: Kind
    # The refusal's name; None if there was none.
    refused: Optional[str]
    start: Moment
    full: Moment
    # What NVML and nvidia-smi said under the preload while it was full.
    beside: dict
    empty: Moment
    again: Moment
    ended: Ended


def observe(setting, command, kind=Kind(), more=None, variables=None):
    """Raises Silent."""
    with scratch() as folder, Bench(setting, folder, variables) as bench:
        talk = bench.client("alone", command, more)
        start = bench.moment(talk, "alone")
        least = bench.sizes.step if kind.slow else bench.sizes.least
        refused = bench.fill(talk, least).get("refused")
        full = bench.moment(talk, "alone")
        beside = bench.from_beside("alone", full.ledger.uuid, kind.smi) if full.ledger else {}
        talk.ask("give", SECONDS)
        empty = bench.moment(talk, "alone")
        bench.fill(talk, least)
        again = bench.moment(talk, "alone")
        return Seen(bench.sizes, kind, refused, start, full, beside, empty, again, talk.finish(SECONDS))


def figures(seen):
    """In MiB; what is over the quota in bytes."""
    account = seen.full.ledger
    found = {"quota": mib(seen.sizes.limit), "held": mib(seen.full.held), "over": None, "peak": None,
             "untracked": None, "NVML": None, "NVML - ledger": None, "refilled": mib(seen.again.held)}
    if account:
        found.update({"over": overshoot(seen), "peak": mib(account.peak), "untracked": mib(account.untracked)})
    if account and seen.full.card is not None:
        found.update({"NVML": mib(seen.full.card), "NVML - ledger": mib(seen.full.card - account.used)})
    return found


def mib(size):
    return round(size / MIB, 1)


def overshoot(seen):
    """Bytes over the quota, by whichever account shows most."""
    peaks = [moment.ledger.peak for moment in (seen.full, seen.again) if moment.ledger]
    return max(0, max(peaks + [seen.full.held, seen.again.held]) - seen.sizes.limit)


def complaints(seen):
    yield from refusal(seen)
    if not seen.full.ledger:
        yield "it has no ledger"
    else:
        yield from account(seen)
        yield from beyond_the_ledger(seen)
        yield from slice_shown(seen)
    yield from recovery(seen)
    if seen.ended.code != 0:
        yield seen.ended.how()


def refusal(seen):
    over = overshoot(seen)
    if over:
        yield "{} bytes over the quota".format(over)
    if not seen.refused:
        yield "it was never refused: it holds {} MiB of a quota of {}".format(
            mib(seen.full.held), mib(seen.sizes.limit))


def account(seen):
    found, limit = seen.full.ledger, seen.sizes.limit
    if found.limit != limit:
        yield "the ledger's limit is {}, not {}".format(found.limit, limit)
    if seen.full.held > found.used:
        yield "it holds {} bytes, and {} are charged".format(seen.full.held, found.used)
    if not seen.kind.own_limit:
        if found.refused == 0:
            yield "the ledger counts no refusal"
        if limit - found.used >= seen.sizes.room + seen.sizes.step * seen.kind.slow:
            yield "refused with {} MiB left".format(mib(limit - found.used))


def beyond_the_ledger(seen):
    """NVML's figure for the process, against the ledger's and the quota."""
    if seen.full.card is None or seen.start.card is None:
        yield "NVML says nothing of it"
        return
    # What the driver took for the context, where the ledger could not see it.
    context = max(0, seen.start.card - seen.start.ledger.used)
    more = seen.full.card - seen.full.ledger.used - context
    stated = seen.sizes.untracked
    if more > stated or (more < -stated and not seen.kind.managed):
        yield "NVML says {} bytes, the ledger {} and {} for the context: {} apart".format(
            seen.full.card, seen.full.ledger.used, context, more)
    if seen.full.card > seen.sizes.limit + context + stated:
        yield "NVML says {} bytes: more than the quota and {} for the context".format(seen.full.card, context)


def slice_shown(seen):
    limit = seen.sizes.limit
    for moment, word in ((seen.start, "at the start"), (seen.full, "full"), (seen.empty, "empty")):
        beside = seen.beside if moment is seen.full else {}
        for name, said in dict(moment.views, **beside).items():
            within = said.get("within", 0)
            expected = {"total": limit, "free": limit - moment.ledger.used, "used": moment.ledger.used}
            for what, value in expected.items():
                if what in said and abs(said[what] - max(0, value)) > within:
                    yield "{}, {} shows {} bytes {}, not {}".format(word, name, said[what], what, value)


def recovery(seen):
    if seen.again.held < seen.full.held * 9 // 10:
        yield "it held {} bytes, gave them back, and could then have {} only".format(
            seen.full.held, seen.again.held)
    if seen.full.ledger and not seen.kind.keeps:
        left = charged(seen.empty) - charged(seen.start)
        if left > 0:
            yield "{} bytes are charged after all was given back".format(left)


def charged(moment):
    return moment.ledger.used - moment.ledger.untracked
