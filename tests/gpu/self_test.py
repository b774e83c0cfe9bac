"""Misses planted on purpose, on the simulated driver: each must be found, and nothing else."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

from harness import child, client, tally
from harness.machine import trouble
from harness.setting import scratch
from planted import deaths, quotas, together

HERE = Path(__file__).resolve().parent
PTX = HERE / "frameworks" / "twice.ptx"
FORGETS = "unset LD_PRELOAD; "
# What a shell is given before the client, and what must be said of it.
PROGRAMS = {
    FORGETS: "the hooks saw nothing",
    'echo "$LD_PRELOAD"; ': "with it",
    'test -z "$LD_PRELOAD" || exit 3; ': "fails with cuota: exit status 3",
    'test -z "$LD_PRELOAD" || kill -9 $$; ': "fails with cuota: ended by signal 9",
    "exit 4; ": "fails without cuota too: exit status 4",
    'test -z "$LD_PRELOAD" || echo "cuota: error: planted" >&2; ': "cuota: error: planted",
}


def run(setting):
    """The exit status: 0 if all is as it must be."""
    wrong = []

    def expect(name, complaints, word):
        found = any(word in line for line in complaints) if word else not complaints
        print("{:<4} {}".format("ok" if found else "FAIL", name))
        if not found:
            wrong.append(name)
            print("     " + ("\n     ".join(complaints) or "nothing was complained of"))

    good = client.observe(setting, shell(setting, ""))
    expect("a good client", complaints_of(good), None)
    for text, word in PROGRAMS.items():
        expect(text, complaints_of(client.observe(setting, shell(setting, text))), word)
    for name, seen, word in planted(good):
        expect(name, complaints_of(seen), word)
    known = set(good.tally.called()) - {"cuMemAlloc_v2"}
    expect("a call of a name unknown to cuota", complaints_of(good, known), "cuMemAlloc_v2 was called")
    expect("another way than the one to prove", client.seen_at_work(good, "linked"), "way it is there to prove")
    expect("the simulator is not a GPU", [str(trouble({"cuInit": 0, "gpus": ["Simulated T4"]}, False))], "use --dry")
    expect("a GPU is not the simulator", [str(trouble({"cuInit": 0, "gpus": ["T4"]}, True))], "came to a real driver")
    expect("a driver without a GPU", [str(trouble({"cuInit": 100}, False))], "cuInit answers 100")
    expect("a client that does not end", [one_that_stays()], "did not end in time")
    for cases in (quotas, deaths, together):
        for name, complaints, word in cases.cases(setting):
            expect(name, complaints, word)
    misses = "coverage/cuGetProcAddress coverage/cuGetProcAddress_v2 coverage/dlsym coverage/doctor"
    expect("the whole command", [whole(setting)], "exit 1, misses: " + misses)
    return 1 if wrong else 0


def shell(setting, text):
    script = text + 'exec "$0" cuGetProcAddress_v2 "$1"'
    return ["/bin/sh", "-c", script, setting.programs / "client", PTX]


def complaints_of(seen, known=None):
    return [*client.ended_well(seen), *client.seen_at_work(seen), *client.nothing_passed_by(seen, known)]


def planted(good):
    """What was seen of a good client, falsified: name, what is seen then, what must be said of it."""
    lines = good.tally.lines

    def but(name, **changes):
        return good._replace(tally=good.tally._replace(lines=dict(lines, **{name: lines[name]._replace(**changes)})))

    raw = bytearray(struct.pack("<8sQQQ32x", tally.MARK, 0, 0, 2))
    yield "an address untranslated", good._replace(tally=tally.read(raw)), "gave out 2 addresses"
    yield "no cuInit", but("cuInit", calls=0), "saw no cuInit"
    yield "no allocation", but("cuMemAlloc_v2", calls=0), "saw no allocations"
    yield "no launch", but("cuLaunchKernel", calls=0), "saw no launches"
    yield "an entry point of no kind", but("cuMemFree_v2", kind=None), "cuMemFree_v2 was called, and is neither"
    driver = dict(good.driver, cuMemFree_v2=2, cuNewThing=1)
    yield "a call past the hooks", good._replace(driver=driver), "cuMemFree_v2: the hooks saw 1 calls, the driver 2"
    yield "a name past the hooks", good._replace(driver=driver), "cuNewThing: the hooks saw 0 calls, the driver 1"


def one_that_stays():
    """It starts another that stays too, and both hold a pipe: that it can be read to its end is that
    both are gone."""
    with scratch() as folder:
        os.mkfifo(str(folder / "held"))
        reader = os.open(str(folder / "held"), os.O_RDONLY | os.O_NONBLOCK)
        command = ["/bin/sh", "-c", "exec 3>held; sleep 600 & sleep 600"]
        ended = child.run(command, dict(os.environ), folder, 1)
        os.set_blocking(reader, True)
        os.read(reader, 1)
        os.close(reader)
        return ended.how()


def whole(setting):
    """The command itself, with a client that forgets the preload and a doctor that is not well."""
    with scratch() as folder:
        build = folder / "build"
        (build / "accept").mkdir(parents=True)
        for name in ("libcuota.so", "sim", "accept/client-linked", "accept/member"):
            (build / name).symlink_to(setting.build / name)
        forgetful = FORGETS + 'exec {} "$@"'.format(setting.programs / "client")
        for name, text in (("cuota", "exit 2"), ("accept/client", forgetful)):
            (build / name).write_text("#!/bin/sh\n{}\n".format(text))
            (build / name).chmod(0o755)
        out = folder / "results.json"
        command = [sys.executable, str(HERE / "accept"), "--dry", "--part", "1"]
        command += ["--build", str(build), "--out", str(out)]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        checks = json.loads(out.read_text())["checks"]
        misses = sorted(check["id"] for check in checks if check["verdict"] == "miss")
        marked = all(figure["simulated"] is True for check in checks for figure in check["figures"].values())
        shown = all("MISS " + name in ended.stdout.decode() for name in misses)
        unsaid = "" if marked and shown else "; not all said"
        return "exit {}, misses: {}{}".format(ended.returncode, " ".join(misses), unsaid)
