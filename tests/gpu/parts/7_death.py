"""Part 7, death: whoever is killed at whatever moment, the account of the living is exact."""

import signal

from harness import death
from harness.report import Row
from harness.talk import Silent

TITLE = "Death: of a member, beside another and beside another client; the longest lags"

ROUNDS = 5


def checks(setting):
    for number in (signal.SIGKILL, signal.SIGTERM):
        for in_kernel in (True, False):
            yield judged(setting, number, in_kernel)


def judged(setting, number, in_kernel):
    check = "death/{} mid-{}".format(number.name, "kernel" if in_kernel else "allocation")
    try:
        rounds, sizes = death.observe(setting, number, in_kernel, ROUNDS)
    except Silent as why:
        return Row(check, complaints=[str(why)])
    said = ["death {}: {}".format(index + 1, line) for index, one in enumerate(rounds)
            for line in death.complaints(one, sizes)]
    return Row(check, death.figures(rounds), said)
