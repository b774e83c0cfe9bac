"""A child that is told things: each line is answered by a line of JSON, within a time limit."""

import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path

from .child import Ended


class Silent(Exception):
    """There was no answer; says why."""


class Talk:
    """Its whole process group ends with the block it is made for."""

    def __init__(self, command, environment, folder, name):
        self.error, self.unread = Path(folder, name + ".err"), b""
        with self.error.open("wb") as to_error:
            try:
                self.child = subprocess.Popen(
                    [str(word) for word in command], env=environment, cwd=str(folder), stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=to_error, start_new_session=True, bufsize=0)
            except OSError as why:
                raise Silent(str(why))
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill(signal.SIGKILL, os.killpg)
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()

    def kill(self, number, send=os.kill):
        try:
            send(self.pid, number)
        except ProcessLookupError:
            pass

    def ended(self, seconds):
        """How it ended, if it does within that time."""
        try:
            code = self.child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        return Ended(code, "", self.error.read_text(errors="replace"))

    def finish(self, seconds):
        """Ends its input, and with it the child."""
        self.child.stdin.close()
        return self.ended(seconds)

    def ask(self, line, seconds):
        self.tell(line)
        return self.answer(seconds, line)

    def tell(self, line):
        try:
            self.child.stdin.write((line + "\n").encode())
        except BrokenPipeError:
            raise Silent(self.ended(1).how())

    def answer(self, seconds, to="its start"):
        """The next line of JSON; frameworks print other lines too."""
        until = time.monotonic() + seconds
        while True:
            line, whole, rest = self.unread.partition(b"\n")
            if whole:
                self.unread = rest
                if line.startswith(b"{"):
                    return json.loads(line)
                continue
            if not select.select([self.child.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise Silent("no answer to `{}` in {} s".format(to, seconds))
            more = os.read(self.child.stdout.fileno(), 1 << 16)
            if not more:
                raise Silent("at `{}`: {}".format(to, self.ended(1).how()))
            self.unread += more
