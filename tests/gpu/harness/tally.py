"""Reads a tally: what the hooks counted. Its layout is core/src/tally.rs's."""

import struct
import uuid
from pathlib import Path
from typing import Dict, NamedTuple, Optional

MARK = b"cuotaly1"
HEADER, RECORD, TABLE = 8, 16, 4  # in words of eight bytes
NAME = 8
KINDS = {1: "body", 2: "row", 3: "forwarded"}


class Line(NamedTuple):
    """One entry point: what stands there (None: nothing this reader knows), and its counts."""

    kind: Optional[str]
    calls: int
    by_dlsym: int
    by_driver: int
    # Calls that cuota made itself.
    asked: int


class Tally(NamedTuple):
    untranslated: int
    lines: Dict[str, Line]
    tables: Dict[str, dict]

    def called(self):
        return {name: line for name, line in self.lines.items() if line.calls}


def read_file(path):
    """The tally in this file; None if there is none, or it is none."""
    try:
        return read(Path(path).read_bytes())
    except (OSError, ValueError, struct.error):
        return None


def read(data):
    """The tally in these bytes; ValueError if they are none."""
    if data[:8] != MARK or len(data) < HEADER * 8:
        raise ValueError("not a tally")
    _, count, tables, untranslated = struct.unpack_from("<4Q", data)
    first_table = HEADER + count * RECORD
    if len(data) < (first_table + tables * TABLE) * 8:
        raise ValueError("the tally is cut short")
    lines = {}
    for index in range(count):
        at = (HEADER + index * RECORD) * 8
        name = data[at:at + NAME * 8].split(b"\0")[0].decode()
        kind, *counts = struct.unpack_from("<5Q", data, at + NAME * 8)
        lines[name] = Line(KINDS.get(kind), *counts)
    asked_for = {}
    for index in range(tables):
        at = (first_table + index * TABLE) * 8
        asked, granted = struct.unpack_from("<2Q", data, at + 16)
        if asked:
            asked_for[str(uuid.UUID(bytes=data[at:at + 16]))] = {"asked": asked, "granted": granted}
    return Tally(untranslated, lines, asked_for)
