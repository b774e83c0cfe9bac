"""What the checks found: as an aligned table, and as JSON."""

import json
from pathlib import Path
from typing import NamedTuple

PASS, MISS, ABSENT = "pass", "miss", "absent"


class Row(NamedTuple):
    """One check. A figure is a number, a text, or a collection (which the table shows by its size)."""

    id: str
    verdict: str
    figures: dict = {}
    remarks: list = []


def judged(name, complaints, figures, remarks=()):
    """A row that passes when there is nothing to complain of."""
    return Row(name, MISS if complaints else PASS, figures, list(complaints) + list(remarks))


def missed(rows):
    return any(row.verdict == MISS for row in rows)


def table(rows, simulated):
    """The rows as lines: columns aligned, numbers to the right, then each row's remarks."""
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    grid = [["check", "verdict"] + names]
    for row in rows:
        grid.append([row.id, row.verdict] + [cell(row.figures.get(name), simulated) for name in names])
    widths = [max(map(len, column)) for column in zip(*grid)]
    for line in grid:
        cells = [text.ljust(width) if at < 2 else text.rjust(width)
                 for at, (text, width) in enumerate(zip(line, widths))]
        yield "  ".join(cells).rstrip()
    yield ""
    for row in rows:
        for remark in row.remarks:
            yield "{}: {}".format(row.id, remark)


def cell(value, simulated):
    if value is None:
        return "-"
    text = str(len(value) if isinstance(value, (dict, list)) else value)
    return text + " sim" if simulated else text


def summary(rows, simulated):
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in (PASS, MISS, ABSENT)}
    text = ", ".join("{} {}".format(count, verdict) for verdict, count in counts.items())
    return text + (" (simulated driver: nothing here was measured on a GPU)" if simulated else "")


def write(path, machine, parts, simulated):
    """`parts` is a list of (number, rows)."""
    mark = {"simulated": True} if simulated else {}
    checks = []
    for number, rows in parts:
        for row in rows:
            figures = {name: dict(value=value, **mark) for name, value in row.figures.items()}
            checks.append({"part": number, "id": row.id, "verdict": row.verdict,
                           "figures": figures, "remarks": row.remarks})
    found = {"machine": dict(machine, **mark), "checks": checks}
    Path(path).write_text(json.dumps(found, indent=1) + "\n")
