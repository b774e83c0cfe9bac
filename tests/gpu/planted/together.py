"""Misses of part 3: name, what was complained of, and what must be (None: nothing)."""

from pathlib import Path

from harness import beside, fault, mps, sms, two
from harness.setting import scratch

WITHOUT = {"LD_PRELOAD": ""}
NO_MPS, MPS = {"CUOTA_SIM_MPS": "0"}, {"CUOTA_SIM_MPS": "1"}
LOST = "the neighbour lost the device, and its ledger"


def cases(setting):
    yield from of_troubles(setting)
    yield from of_faults(setting)
    yield from of_shares(setting)
    yield "a daemon that does not start", [no_daemon(setting)], "MPS was not started: exit status 1"


def of_troubles(setting):
    def seen(trouble, variables=None, under_mps=True):
        one = beside.observe(setting, under_mps, trouble, variables)
        return one, list(beside.complaints(one, trouble))

    good, said = seen(beside.fills)
    yield "a refusal beside a neighbour", said, None
    yield "no quota beside a neighbour", seen(beside.fills, WITHOUT)[1], "it was never refused"
    yield "no ledger beside a neighbour", seen(beside.is_killed, WITHOUT)[1], "there is no ledger"
    faults = {"CUOTA_SIM_FAULT": "cuLaunchKernel:2=fault"}
    yield "a neighbour that loses the device", seen(beside.fills, faults, False)[1], "lost the device: 700"
    for trouble, name in ((beside.is_terminated, "SIGTERM"), (beside.returns, "a return")):
        yield name + " that drains", seen(trouble)[1], None
        undrained = seen(trouble, {"CUOTA_DRAIN": "0"})[1]
        yield name + " that does not", undrained, "ended before its work was done"
    for name, one, word in beside_falsified(good):
        yield name, list(beside.complaints(one, beside.fills)), word
    early = good._replace(early=b"x", late=b"x")
    yield "work that was done before", list(beside.complaints(early, beside.returns)), "nothing is shown"
    gone = good._replace(after=good.after._replace(status=719))
    yield "a loss nobody wrote down", list(beside.complaints(gone, beside.is_killed, True)), LOST
    known = gone._replace(record=two.Fault(719, "unknown", None))
    yield "a loss that may be", list(beside.complaints(known, beside.is_killed, True)), None


def beside_falsified(good):
    yield "another end", good._replace(code=1), "it ended with 1"
    yield "one that lives on", good._replace(living=1), "1 of its members live on"
    work, account = good.meanwhile, good.account
    yield "a wrong word", good._replace(meanwhile=work._replace(right=work.right - 1)), "are right"
    yield "no words", good._replace(after=two.Work(0, 0, 0, 0)), "of 0 words"
    yield "a fault written down", good._replace(record=two.Fault(700, "victim", 1)), "ledger has a fault"
    yield "a neighbour that is charged", good._replace(account=account._replace(used=account.used + 1)), "account was"
    refused = account._replace(refused=account.refused + 1)
    yield "a neighbour that is refused", good._replace(account=refused), "account was"
    yield "nobody new", good._replace(kept_out="807"), "no new client could start"


def of_faults(setting):
    def seen(under_mps, leave, variables=None):
        one = fault.observe(setting, under_mps, leave, variables, 2 if variables else 60)
        return one, list(fault.complaints(one))

    good, said = seen(True, True)
    yield "a fault that all leave for", said, None
    stay, said = seen(True, False)
    yield "a fault that nobody leaves for", said, None
    yield "a fault without MPS", seen(False, False)[1], None
    yield "who should leave and stays", seen(True, True, {"CUOTA_ON_FAULT": "keep"})[1], "they ended with [None"
    unseen = seen(True, False, WITHOUT)[1]
    yield "a fault no ledger has", unseen, "the one at fault: its ledger says nothing"
    alone = seen(True, False, NO_MPS)[1]
    yield "a neighbour that is not reached", alone, "the neighbour: its ledger says nothing"
    yield "a server that takes new ones", alone, "hears nothing: it starts"
    reached = seen(False, False, MPS)[1]
    for word in ("ledger has a fault", "lost the device", "a new client could not start"):
        yield "a fault that should not reach: " + word, reached, word
    for name, one, word in fault_falsified(good, stay):
        yield name, list(fault.complaints(one)), word


def fault_falsified(good, stay):
    own, victim = good.pids

    def told(pid, said):
        return good._replace(records={**good.records, pid: said})

    yield "another named", told(victim, two.Fault(700, "victim", victim + own)), "the neighbour is told"
    yield "the victim named", told(victim, two.Fault(700, "culprit", None)), "the neighbour is told"
    yield "nobody named for a fault", told(victim, two.Fault(700, "nobody", None)), "the neighbour is told"
    yield "the culprit a victim", told(own, two.Fault(700, "victim", victim)), "the one at fault is told"
    yield "unknown is not wrong", told(victim, two.Fault(700, "unknown", None)), None
    yield "no status of a fault", told(own, two.Fault(2, "culprit", None)), "its ledger says 2"
    yield "another status", stay._replace(statuses=[719, 700]), "was answered 719"
    yield "another exit", good._replace(codes=[75, 1]), "they ended with [75, 1]"
    yield "nobody new for good", good._replace(kept_out_for_good="807"), "after both had ended"


def of_shares(setting):
    def seen(variables=None):
        return sms.observe(setting, (30,), variables)[0]

    good = seen()
    deaf = {"CUOTA_SIM_MPS_DEAF": "1"}
    for name, one, word in (
            ("a share that is granted", good, None),
            ("a share passed over", seen(deaf), "132 are shown"),
            ("a share without MPS", seen(NO_MPS), "it is no client of MPS"),
            ("a share no ledger has", seen(WITHOUT), "its ledger says None"),
            ("a share too small", good._replace(shown=30, ledger=30), "and 30 are shown"),
            ("another grant in the ledger", good._replace(ledger=40), "its ledger says 40"),
            ("another count of all", good._replace(all=114), "NVML says 114")):
        yield name, list(sms.complaints(one)), word
    yield "a run cut short", list(sms.short(29.9, 30)), "29.9 s only"


def no_daemon(setting):
    real = type(setting)(setting.build, setting.python, False)
    real.command = Path("/bin/false")
    try:
        with scratch() as folder, mps.daemon(real, folder):
            return "it started"
    except mps.Absent as why:
        return str(why)
