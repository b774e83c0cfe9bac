"""What a ledger says, in Python: python3 reader.py FILE. Offsets are those of include/cuota.h."""
import fcntl, os, struct, sys

NAMES = {1: "joined", 2: "left", 3: "died", 4: "context created", 5: "context destroyed", 6: "allocated",
         7: "freed", 8: "refused", 9: "limit changed", 14: "untracked"}
ALL = 2**64 - 1

def words(at, count):
    data = os.pread(file, count * 8, at)
    return struct.unpack(f"<{count}Q", data)  # one cut short is an error


def text(some):
    data = struct.pack(f"<{len(some)}Q", *some).split(b"\0")[0].decode(errors="replace")
    return "".join(c if " " <= c <= "~" else "?" for c in data)  # nothing that could steer a terminal


def lives(owner):
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, min(2**40 + owner, 2**63 - 1), 1, 0)
    return struct.unpack("h", fcntl.fcntl(file, 36, lock)[:2])[0] != fcntl.F_UNLCK  # F_OFD_GETLK


def charge(lane, total, place):
    number = max(lane[8], total[1] % 2**48 if total[1] >> 48 == place else 0)
    return lane[16 + number // 2 % 2 * 8] if number and number % 2 == 0 else 0


def whole(event, number):
    mixed = 0
    for word in (number + 1, *event[1:7]):
        mixed = (mixed ^ word) * 0x9E3779B97F4A7C15 & ALL
        mixed = (mixed << 29 | mixed >> 35) & ALL
    known = event[3] % 2**32 in NAMES and event[3] >> 32 in (*range(32), 2**32 - 1)
    return known and event[0] == (2 * number + 2) & ALL and event[7] == mixed


file = os.open(sys.argv[1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
head = words(0, 512)
members, events, ring_at, parts_at, part = head[2], *head[4:8]
if struct.pack("<Q", head[0]) != b"cuotaldg" or head[1] != 1 or members > 512 or not 0 < events <= 1 << 20:
    sys.exit("no ledger this can read: this reads version 1")
print("client", text(head[16:24]))
seats = [words(4096 + place * 256, 32) for place in range(min(head[178], members))]
for at in (parts_at + i * part for i in range(32) if head[192 + 4 * i + 2] == 1):
    device, counts_at = words(at, 128), at + (1024 + (members + 1) * 256 + 4095) // 4096 * 4096
    lanes = [words(at + 1024 + place * 256, 32) for place in range(len(seats))]
    used = sum(charge(lane, device, place) for place, lane in enumerate(lanes)
               if lane[0] and lane[0] == seats[place][0] and lives(lane[0]))
    blocks = [words(counts_at + place * 8192 + 1024 * b, 4) for place in range(len(seats)) for b in range(1, 8)]
    uuid, limit = struct.pack("<2Q", *device[24:26]).hex(), device[8]
    print(f"device GPU-{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]} used {used}",
          f"limit {'none' if limit == ALL else limit} peak {max(device[16], device[0] % 2**48)}",
          f"launches {sum(b[0] + b[1] + b[3] for b in blocks) & ALL} refusals {device[32]}")
for seat in (seat for seat in seats if seat[0]):
    print("member", seat[0], "pid", seat[1], text(seat[8:10]), "alive" if lives(seat[0]) else "dead")
print("events", head[176])
for number in range(max(0, head[176] - min(8, events)), head[176]):
    if whole(event := words(ring_at + number % events * 64, 8), number):
        print(f"{NAMES[event[3] % 2**32]} by {event[2]}:", *event[4:7])
