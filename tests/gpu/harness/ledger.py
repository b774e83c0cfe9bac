"""Reads a client's ledger from its file, sharing no code with what wrote it. Its layout is that of
core/src/book/layout.rs; the file is read and never mapped."""

import fcntl
import os
import struct
import uuid
from typing import Dict, List, NamedTuple

MARK, VERSION = struct.unpack("<Q", b"cuotaldg")[0], 1
HEADER, DIRECTORY, MEMBER, DEVICES = 512, 192, 32, 32  # in words
LANES, LANE, APPLIED, SLOTS, SLOT = 128, 40, 8, 16, 8
LIMIT, PEAK, UUID, REFUSED = 8, 16, 24, 32
UNLIMITED, LOW_48 = (1 << 64) - 1, (1 << 48) - 1
LOCKS = 1 << 40
F_OFD_GETLK = 36
RETRIES = 100


class Member(NamedTuple):
    pid: int
    alive: bool
    used: int
    untracked: int


class Device(NamedTuple):
    """`used` and `untracked` are of the living."""

    uuid: str
    limit: int
    used: int
    untracked: int
    peak: int
    refused: int
    members: List[Member]


def read(directory, client) -> Dict[str, Device]:
    """The devices of the ledger, by UUID; OSError or ValueError if there is none."""
    path = os.path.join(str(directory), "{}.v{}.cuota".format(client, VERSION))
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        head = words(file, 0, HEADER)
        if head[:2] != (MARK, VERSION):
            raise ValueError(path + " is no ledger of this version")
        members, places, at, size = head[2], head[3], head[6], head[7]
        listed = words(file, HEADER, members * MEMBER)
        there = (index for index in range(places) if head[DIRECTORY + 4 * index + 2] == 1)
        found = [device(file, listed, (at + index * size) // 8, members) for index in there]
        return {one.uuid: one for one in found}
    finally:
        os.close(file)


def device(file, listed, at, members):
    # What changes meanwhile is read again until the lanes add up to the total.
    for _ in range(RETRIES):
        part = words(file, at, LANES + (members + 1) * LANE)
        lanes = [lane(part, index) for index in range(members)]
        if sum(charge for _, charge, _ in lanes) == part[0] & LOW_48:
            break
    else:
        raise ValueError("the ledger's lanes do not add up to its total")
    living = []
    for owner, charge, untracked in lanes:
        starts = (start for start in range(0, len(listed), MEMBER) if owner and listed[start] == owner)
        for start in starts:
            living.append(Member(listed[start + 1], is_locked(file, LOCKS + owner), charge, untracked))
    alive = [member for member in living if member.alive]
    used, untracked = sum(one.used for one in alive), sum(one.untracked for one in alive)
    name = str(uuid.UUID(bytes=struct.pack("<2Q", *part[UUID:UUID + 2])))
    return Device(name, part[LIMIT], used, untracked, max(part[PEAK], used), part[REFUSED], living)


def lane(part, index):
    """Owner, bytes held, and how many of them the driver took for itself."""
    start, last = LANES + index * LANE, part[1] >> 48 == index
    number = max(part[start + APPLIED], part[1] & LOW_48 if last else 0)
    slot = start + SLOTS + (number // 2 & 1) * SLOT
    return (part[start],) + (part[slot:slot + 2] if number % 2 == 0 else (0, 0))


def is_locked(file, byte):
    """A member lives as long as its lock."""
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    return struct.unpack_from("h", fcntl.fcntl(file, F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK


def words(file, start, count):
    data = os.pread(file, count * 8, start * 8)
    if len(data) < count * 8:
        raise ValueError("the ledger is cut short")
    return struct.unpack("<{}Q".format(count), data)
