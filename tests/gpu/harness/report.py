"""What the checks found: as aligned tables, and as JSON."""

import json
from pathlib import Path

PASS, MISS, ABSENT = "pass", "miss", "absent"


class Row:
    """One check. A figure is a number, a text, or a collection, which a table shows by its size. With a
    complaint it is a miss; else `absent` if what it is about could not be had here; else a pass."""

    def __init__(self, id, figures=None, complaints=(), remarks=(), absent=False):
        self.id, self.figures = id, dict(figures or {})
        self.complaints, self.remarks = list(complaints), list(remarks)
        self.verdict = MISS if self.complaints else ABSENT if absent else PASS


def missed(rows):
    return any(row.verdict == MISS for row in rows)


def text(rows, simulated):
    """Tables of neighbours with the same figures, then all complaints and remarks."""
    groups = []
    for row in rows:
        names = tuple(row.figures)
        if not groups or names and groups[-1][0] and names != groups[-1][0]:
            groups.append((names, []))
        groups[-1] = (groups[-1][0] or names, groups[-1][1] + [row])
    for names, group in groups:
        yield from table(names, group, simulated)
        yield ""
    for row in rows:
        for complaint in row.complaints:
            yield "MISS {}: {}".format(row.id, complaint)
        for remark in row.remarks:
            yield "     {}: {}".format(row.id, remark)


def table(names, rows, simulated):
    grid = [("check", "verdict") + names]
    grid += [(row.id, row.verdict) + tuple(cell(row.figures.get(name), simulated) for name in names) for row in rows]
    widths = [max(map(len, column)) for column in zip(*grid)]
    for line in grid:
        cells = [word.ljust(width) if at < 2 else word.rjust(width)
                 for at, (word, width) in enumerate(zip(line, widths))]
        yield "  ".join(cells).rstrip()


def cell(value, simulated):
    if value is None:
        return "-"
    word = str(len(value) if isinstance(value, (dict, list)) else value)
    return word + " sim" if simulated else word


def summary(rows, simulated):
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in (PASS, MISS, ABSENT)}
    words = ", ".join("{} {}".format(count, verdict) for verdict, count in counts.items())
    return words + ("; sim: on the simulated driver, nothing was measured on a GPU" if simulated else "")


def write(path, machine, parts, simulated):
    """`parts` is a list of (number, rows)."""
    mark = {"simulated": True} if simulated else {}
    checks = []
    for number, rows in parts:
        for row in rows:
            figures = {name: dict(value=value, **mark) for name, value in row.figures.items()}
            checks.append({"part": number, "id": row.id, "verdict": row.verdict, "figures": figures,
                           "complaints": row.complaints, "remarks": row.remarks})
    found = {"machine": dict(machine, **mark), "checks": checks}
    Path(path).write_text(json.dumps(found, indent=1) + "\n")
