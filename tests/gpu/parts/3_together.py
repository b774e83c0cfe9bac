"""Part 3, two clients at once: under MPS where a daemon can be started, and without."""

from harness import beside, fault, mps, sms, two
from harness.report import Row
from harness.talk import Silent

TITLE = "Together: one client's trouble beside another's work"

PERCENTS = (25, 50, 75)
SHARES = (30, 70)
# Seconds alone, and together.
DRY, REAL = (0.1, 0.3), (5, 30)
# Without MPS nothing waits at the end unless it is told to.
DRAIN = {"CUOTA_DRAIN": "5s"}

TROUBLES = [
    ("out of memory", beside.fills, {}),
    ("SIGKILL mid-kernel", beside.is_killed, {}),
    ("SIGTERM mid-kernel", beside.is_terminated, DRAIN),
    ("return mid-kernel", beside.returns, DRAIN),
]


def checks(setting):
    why = no_mps(setting)
    for name, trouble, variables in TROUBLES:
        yield judged("together/{}, MPS".format(name), why, lambda: of_trouble(setting, True, trouble, {}))
        yield judged("together/{}".format(name), None, lambda: of_trouble(setting, False, trouble, variables))
    for name, under_mps, leave in (("keep, MPS", True, False), ("exit, MPS", True, True), ("keep", False, False)):
        yield judged("together/fault, " + name, why if under_mps else None,
                     lambda: of_fault(setting, under_mps, leave))
    yield from granted(setting, why)
    name = "together/shares of {} and {} %{}".format(*SHARES, "" if why else ", MPS")
    yield judged(name, None, lambda: of_shares(setting, why))


def no_mps(setting):
    """Why there can be no clients of MPS here; None if there can."""
    try:
        with two.bench(setting, True) as made:
            shown = made.member("first", "malloc").ask("sms", 60)
            return None if shown["mps"] == 1 else "its clients run beside the daemon that was started"
    except (mps.Absent, Silent) as why:
        return str(why)


def judged(check, absent, look):
    """`look` gives figures, complaints and remarks."""
    if absent:
        return Row(check, remarks=[absent], absent=True)
    try:
        return Row(check, *look())
    except (mps.Absent, Silent) as why:
        return Row(check, complaints=[str(why)])


def of_trouble(setting, under_mps, trouble, variables):
    seen = beside.observe(setting, under_mps, trouble, variables)
    # Who dies with work in flight may take the server with it.
    may_lose = under_mps and trouble is beside.is_killed
    remarks = []
    if may_lose and beside.lost(seen):
        remarks = ["the neighbour lost the device ({}), as is documented".format(seen.record)]
    return beside.figures(seen), beside.complaints(seen, trouble, may_lose), remarks


def of_fault(setting, under_mps, leave):
    seen = fault.observe(setting, under_mps, leave)
    remarks = ["a new client while both stayed: " + (seen.kept_out or "starts")] if not leave else []
    return fault.figures(seen), fault.complaints(seen), remarks


def granted(setting, why):
    names = {percent: "together/{} % of the SMs, MPS".format(percent) for percent in PERCENTS}
    try:
        found = [] if why else sms.observe(setting, PERCENTS)
    except (mps.Absent, Silent) as failure:
        yield Row(names[PERCENTS[0]], complaints=[str(failure)])
        return
    for seen in found:
        yield Row(names[seen.percent], sms.figures(seen), sms.complaints(seen))
    for name in names.values() if why else ():
        yield Row(name, remarks=[why], absent=True)


def of_shares(setting, why):
    alone, both = DRY if setting.dry else REAL
    first, second, seconds = sms.together(setting, not why, SHARES, alone, both)
    figures = {}
    for percent, before, after in zip(SHARES, first, second):
        figures["{} %: alone/s".format(percent)] = round(before, 1)
        figures["{} %: together/s".format(percent)] = round(after, 1)
    remarks = ["of what both did together {} % had {:.0f} %, and did {:.0f} % of what it does alone".format(
        percent, 100 * after / sum(second), 100 * after / before)
        for percent, before, after in zip(SHARES, first, second)]
    remarks.append("nothing holds them to their shares: " + why if why else "reported, and not judged")
    return figures, sms.short(seconds, both), remarks
