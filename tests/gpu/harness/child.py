"""One child process: its output kept in files, its whole process group ended with it."""

import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional


class Ended(NamedTuple):
    """How a child ended; `code` is None if its time was up."""

    code: Optional[int]
    out: str
    err: str

    def how(self):
        """The end in words, with the last thing it said."""
        if self.code is None:
            end = "did not end in time"
        elif self.code < 0:
            end = "ended by signal {}".format(-self.code)
        else:
            end = "exit status {}".format(self.code)
        said = [line.strip() for line in self.err.splitlines() if line.strip()]
        return "{}: {}".format(end, said[-1]) if said else end


def run(command, environment, folder, seconds):
    """Runs the command in `folder`, where its output is left too."""
    out, err = Path(folder, "out"), Path(folder, "err")
    # Files and not pipes: what a killed child leaves behind can hold a pipe open for ever.
    with out.open("wb") as to_out, err.open("wb") as to_err:
        try:
            child = subprocess.Popen(
                [str(word) for word in command], env=environment, cwd=str(folder), stdin=subprocess.DEVNULL,
                stdout=to_out, stderr=to_err, start_new_session=True)
        except OSError as why:
            return Ended(127, "", str(why))
        try:
            code = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
    return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))
