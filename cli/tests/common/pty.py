"""Runs a command on a terminal of its own and does to it what a person would.

Usage: pty.py ROWS COLUMNS STEPS COMMAND..., where STEPS is JSON: ["see", TEXT] reads until TEXT was
written since the last step, ["send", KEYS], ["size", ROWS, COLUMNS], ["signal", NUMBER], ["stopped"]
waits until it has stopped. Prints JSON: all that was written, how it ended, whether the terminal was
as before then, and when it was stopped.
"""

import fcntl
import json
import os
import select
import signal
import struct
import sys
import termios
import time

DEADLINE = 60  # seconds for all of it, after which something is broken


def size(rows, columns):
    return struct.pack("HHHH", rows, columns, 0, 0)


rows, columns, steps, command = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:]
ours, theirs = os.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, size(rows, columns))
before = termios.tcgetattr(theirs)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(theirs, descriptor)
    os.execvp(command[0], command)

until = time.monotonic() + DEADLINE
written, step_at = "", 0
restored_when_stopped = None


def read(wait):
    global written
    if not select.select([ours], [], [], wait)[0]:
        return False
    written += os.read(ours, 65536).decode(errors="replace")
    return True


try:
    for step, *what in steps:
        if step == "see":
            while what[0] not in written[step_at:]:
                read(0.05)
                if time.monotonic() > until:
                    sys.exit(f"{what[0]!r} never came: {written!r}")
            step_at = written.index(what[0], step_at) + len(what[0])
        elif step == "send":
            os.write(ours, what[0].encode())
        elif step == "size":
            fcntl.ioctl(ours, termios.TIOCSWINSZ, size(*what))
        elif step == "signal":
            os.kill(pid, what[0])
        elif step == "stopped":
            while not os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]):
                pass
            restored_when_stopped = termios.tcgetattr(theirs) == before
    ended = 0
    while not ended:
        ended, status = os.waitpid(pid, os.WNOHANG)
        read(0 if ended else 0.05)
        if time.monotonic() > until:
            sys.exit(f"it never ended: {written!r}")
    while read(0):
        pass
except BaseException:
    os.kill(pid, signal.SIGKILL)
    raise
print(json.dumps({
    "written": written,
    "status": os.waitstatus_to_exitcode(status),
    "restored": termios.tcgetattr(theirs) == before,
    "restored_when_stopped": restored_when_stopped,
}))
