"""A scratch MPS daemon for one check, or what plays it on the simulated driver; and nothing of it left."""

import contextlib

from . import child

# Its server comes with its first client.
START_SECONDS, STOP_SECONDS = 30, 30


class Absent(Exception):
    """No daemon could be started; says why."""


@contextlib.contextmanager
def daemon(setting, folder):
    """What a client is told, to be a client of it. Raises Absent."""
    if setting.dry:
        yield {"CUOTA_SIM_MPS": "1"}
        return
    pipes, log = folder / "mps", folder / "mps-log"
    environment = setting.environment(folder, False)
    start = [setting.command, "mps", "start", "--pipes", pipes, "--log", log]
    ended = child.run(start, environment, folder, START_SECONDS)
    try:
        if ended.code != 0:
            raise Absent("MPS was not started: " + ended.how())
        yield {"CUDA_MPS_PIPE_DIRECTORY": str(pipes), "CUOTA_MPS": "require"}
    finally:
        stop = [setting.command, "mps", "stop", "--pipes", pipes, "--within", "5s"]
        child.run(stop, environment, folder, STOP_SECONDS)


@contextlib.contextmanager
def nobody(setting, folder):
    """What a client is told, to be a client of no daemon, whichever may run on the machine."""
    yield {} if setting.dry else {"CUDA_MPS_PIPE_DIRECTORY": str(folder / "nobody"), "CUOTA_MPS": "ignore"}
