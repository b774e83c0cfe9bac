"""Misses of part 7: name, what was complained of, and what must be (None: nothing)."""

import signal

from harness import death

WITHOUT = {"switched off": {"CUOTA_DISABLE": "1"}, "without the preload": {"LD_PRELOAD": ""}}


def cases(setting):
    (good,), sizes = death.observe(setting, signal.SIGKILL, False, 1)
    yield "a death without a trace", list(death.complaints(good, sizes)), None
    for how, variables in WITHOUT.items():
        rounds, _ = death.observe(setting, signal.SIGKILL, False, 1, variables)
        yield "a death {}".format(how), list(death.complaints(rounds[0], sizes)), "there is no ledger"
    # A signal that kills nobody.
    rounds, _ = death.observe(setting, signal.SIGCHLD, False, 1, seconds=1)
    survived = list(death.complaints(rounds[0], sizes))
    yield "one that does not die", survived, "did not die of signal SIGCHLD"
    yield "one that lives on in the ledger", survived, "2 members live"
    yield "one that holds on to its memory", survived, "the survivor holds"
    yield "one whose memory stays on the card", survived, "bytes of the card are not back"
    for name, one, word in falsified(good):
        yield name, list(death.complaints(one, sizes)), word


def falsified(good):
    """What was seen of a good round, but for one thing."""
    account = good.account
    yield "a charge too much", good._replace(account=account._replace(used=account.used + 1)), "the ledger says"
    views = {"cuMemGetInfo": {"free": 0, "total": 0}}
    yield "a survivor shown something else", good._replace(views=views), "cuMemGetInfo shows the survivor"
    yield "a survivor that stood still", good._replace(times=0), "did nothing meanwhile"
    yield "a survivor that finds no room", good._replace(filled=0), "could fill 0 bytes"
    full = good.when_full._replace(peak=good.when_full.limit + 1)
    yield "a peak over the quota", good._replace(when_full=full), "1 bytes over the quota"
    beside = good.beside._replace(used=good.beside.used + 1)
    yield "a neighbour that is charged", good._replace(beside=beside), "the neighbour holds"
    yield "a neighbour that lost memory", good._replace(beside_held=[0, 0]), "the neighbour holds"
