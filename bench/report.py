"""What bench/run measured, as a table, as JSON, and against the budgets: report.py FOLDER [--check] [--json FILE]"""

import argparse
import json
import os
import platform
import re
import sys
from pathlib import Path
from statistics import median, quantiles

CALLS = {
    "cuLaunchKernel": "launch, counted",
    "cuLaunchHostFunc": "row without a body",
    "cuStreamGetPriority": "forwarded",
    "control": "nothing: the method itself",
}
# ns a call may be made longer by, one thread, by every path.
BUDGETS = {"cuLaunchKernel": 10.0, "cuLaunchHostFunc": 1.0, "cuStreamGetPriority": 2.0}
# ns accounting may add to an allocation and its free, up to 10,000 live and up to a million; and to a look at
# what is free.
PAIR_BUDGETS = {10_000: 60.0, 1_000_000: 250.0}
LOOK_BUDGET = 15.0
# Four processes on one ledger, compared with one.
SHARED_BUDGET = 2.0
# Processes and threads, as bench/run names its files.
SHAPES = {"1 1": "1 thread", "1 4": "4 threads", "4 1": "4 processes"}


def compared(samples, digits):
    """Medians of what was measured by turns, and of the differences between neighbours."""
    without, with_ = samples[0::2], samples[1::2]
    added = [b - a for a, b in zip(without, with_)]
    low, _, high = quantiles(added, n=4)
    figures = {"without": median(without), "with": median(with_), "added": median(added), "low": low, "high": high}
    return {name: round(value, digits) for name, value in figures.items()}


def lines(path):
    return [line.split("\t") for line in path.read_text().splitlines()]


def numbers(text):
    return [float(word) for word in text.split()]


def instructions(folder):
    """Per cell, instructions of one call, direct and hooked: callgrind wrote one file per `mark`."""
    if not (folder / "counted-cells").exists():
        return {}
    def total(part):
        return int(re.search(r"^(?:summary|totals): (\d+)", (folder / f"counted.{part}").read_text(), re.M)[1])
    counts = {}
    for index, (call, path, calls) in enumerate(lines(folder / "counted-cells")):
        # Part 1 is everything before the first mark.
        direct, hooked = (round(total(2 + 2 * index + which) / int(calls), 1) for which in (0, 1))
        counts[call, path] = {"without": direct, "with": hooked, "added": round(hooked - direct, 1)}
    return counts


def gather(folder):
    counts = instructions(folder)
    calls = {}
    for shape, name in SHAPES.items():
        together = {}
        for call, path, samples in lines(folder / f"calls-{shape}"):
            together.setdefault((call, path), []).extend(numbers(samples))
        for (call, path), samples in together.items():
            row = calls.setdefault((call, path), {"call": call, "path": path})
            row[name] = compared(samples, 2)
    for key, row in calls.items():
        row["instructions"] = counts.get(key)
        row["budget"] = BUDGETS.get(key[0])
        # Threads that wrote one line would each wait for it.
        slowest = max(row[shape]["added"] for shape in ("1 thread", "4 threads"))
        row["met"] = row["budget"] is None or slowest <= row["budget"]
    allocs = []
    for size, live, order, processes, threads, samples in lines(folder / "allocs-measured"):
        row = {"size": size, "live": int(live), "order": order, "processes": int(processes), "threads": int(threads)}
        row["ns"] = compared(numbers(samples), 2)
        row["budget"] = LOOK_BUDGET if size == "info" else next(ns for most, ns in PAIR_BUDGETS.items() if int(live) <= most)
        allocs.append(row)
    for row in allocs:
        alone = next((r for r in allocs if (r["size"], r["live"], r["processes"]) == (row["size"], 1, 1)), row)
        if row["processes"] > 1:
            row["budget"] = round(alone["ns"]["added"] * SHARED_BUDGET, 2)
        row["met"] = row["budget"] is None or row["ns"]["added"] <= row["budget"]
    rates = {}
    for size, processes, samples in lines(folder / "together-measured"):
        rates.setdefault(size, []).append(round(median(numbers(samples)), 2))
    together = [
        {"size": size, "alone": alone, "four": four, "met": four <= alone * SHARED_BUDGET}
        for size, (alone, four) in rates.items()
    ]
    swaps = {int(count): round(median(numbers(samples)), 2) for count, samples in lines(folder / "swaps-measured")}
    starts = [
        {"program": program, "at once": int(at_once), "ms": compared(numbers(samples), 3)}
        for program, at_once, samples in lines(folder / "starts-measured")
    ]
    return {"machine": machine(), "calls": list(calls.values()), "allocs": allocs, "together": together,
            "swaps": swaps, "starts": starts}


def machine():
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "glibc": platform.libc_ver()[1],
    }


def aligned(rows):
    """The first two columns to the left, figures to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()


def sized(size):
    """Bytes as people say them."""
    if size == "info":
        return size
    unit = sum(int(size) % (1024**step) == 0 for step in (1, 2))
    return f"{int(size) // 1024**unit} {('B', 'KiB', 'MiB')[unit]}"


def span(figures):
    return f"{figures['low']:.2f}..{figures['high']:.2f}"


def table(found):
    about = found["machine"]
    yield f"{about['cpu']}, {about['cores']} cores; Linux {about['kernel']}; glibc {about['glibc']}"
    yield ""
    yield "ns per call, medians; `added` is hooked less direct, in alternating rounds; `half of them` its quartiles"
    rows = [("call", "by way of", "direct", "hooked", "added", "half of them",
             "4 threads", "4 processes", "instructions", "budget")]
    for row in found["calls"]:
        one, counted = row["1 thread"], row["instructions"]
        count = f"{counted['without']:g} + {counted['added']:g}" if counted else "-"
        rows.append((
            CALLS[row["call"]], row["path"], f"{one['without']:.2f}", f"{one['with']:.2f}", f"{one['added']:+.2f}",
            span(one), f"{row['4 threads']['added']:+.2f}", f"{row['4 processes']['added']:+.2f}", count,
            (f"{row['budget']:g}" if row["budget"] else "-") + ("" if row["met"] else " MISSED")))
    yield from aligned(rows)
    yield ""
    yield "ns accounting adds to an allocation and its free (`info`: to cuMemGetInfo), under a quota"
    rows = [("size", "live", "freed", "direct", "hooked", "added", "half of them", "processes", "threads", "budget")]
    for row in found["allocs"]:
        ns = row["ns"]
        rows.append((
            sized(row["size"]), str(row["live"]), row["order"], f"{ns['without']:.1f}", f"{ns['with']:.1f}",
            f"{ns['added']:+.1f}", span(ns), str(row["processes"]), str(row["threads"]),
            (f"{row['budget']:g}" if row["budget"] else "-") + ("" if row["met"] else " MISSED")))
    yield from aligned(rows)
    for row in found["together"]:
        yield (f"all together: a pair of {sized(row['size'])} every {row['alone']:.1f} ns by one process, every "
               f"{row['four']:.1f} by four" + ("" if row["met"] else " MISSED"))
    alone, four = found["swaps"].values()
    yield f"the machine: a shared word swapped every {alone:.1f} ns by one process is swapped every {four:.1f} by each of four"
    yield ""
    yield "ms from start to end, medians"
    rows = [("program", "at once", "without", "preloaded", "added", "half of them")]
    for row in found["starts"]:
        ms = row["ms"]
        rows.append((row["program"], str(row["at once"]), f"{ms['without']:.2f}", f"{ms['with']:.2f}",
                     f"{ms['added']:+.2f}", span(ms)))
    yield from aligned(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = gather(options.folder)
    print("\n".join(table(found)))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    missed = [row for row in found["calls"] + found["allocs"] + found["together"] if not row["met"]]
    if options.check and missed:
        sys.exit(f"bench: a budget is missed in {len(missed)} rows")


main()
