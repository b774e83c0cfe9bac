"""What is accepted, and where: the built files, the interpreter, and a real driver or the simulated one."""

import contextlib
import os
import tempfile
from pathlib import Path

from . import child

# What a simulated card has, and what a context takes of it.
SIMULATED = {"CUOTA_SIM_BYTES": "1GiB", "CUOTA_SIM_CONTEXT_BYTES": "20MiB"}


class Setting:
    def __init__(self, build, python, dry):
        self.build, self.dry = Path(build).resolve(), dry
        self.library = self.build / "libcuota.so"
        self.command = self.build / "cuota"
        self.programs = self.build / "accept"
        self.simulator = self.build / "sim"
        self.python = python

    def lacking(self):
        """What is not there and must be, or None."""
        needed = {self.library: "make build", self.command: "make build", self.programs / "member": "tests/gpu/prepare"}
        if self.dry:
            needed[self.simulator / "libcuda.so.1"] = "make build"
        for path, maker in needed.items():
            if not path.exists():
                return "{} is not there: `{}` makes it, where there is a compiler".format(path, maker)
        if set(" :") & set(str(self.library)):
            return "{}: the loader takes a space or a colon in LD_PRELOAD for the end of the path".format(self.library)
        return None

    def environment(self, folder, preloaded):
        """The caller's environment without what concerns cuota, or with cuota and a tally in `folder`."""
        variables = {name: value for name, value in os.environ.items()
                     if name != "LD_PRELOAD" and not name.startswith("CUOTA_")}
        if self.dry:
            paths = [str(self.simulator), variables.get("LD_LIBRARY_PATH")]
            variables["LD_LIBRARY_PATH"] = ":".join(path for path in paths if path)
            variables.update(SIMULATED, CUOTA_SIM=str(Path(folder, "sim")))
        if preloaded:
            variables["LD_PRELOAD"] = str(self.library)
            variables["CUOTA_DIR"] = str(folder)
            variables["CUOTA_TALLY"] = str(Path(folder, "tally"))
        return variables

    def run(self, command, folder, preloaded, seconds):
        return child.run(command, self.environment(folder, preloaded), folder, seconds)


@contextlib.contextmanager
def scratch():
    """A folder for one run, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="cuota-accept-") as folder:
        yield Path(folder)
