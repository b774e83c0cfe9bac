"""The machine the acceptance runs on; and why it cannot run there, in words."""

import json
import os
import platform
import sys
import time
from pathlib import Path

from .setting import scratch

PROBE = Path(__file__).with_name("probe.py")
SECONDS = 60


class Unusable(Exception):
    """There is no GPU here to accept anything on."""


def look(setting):
    """GPU names, versions, kernel and date; raises Unusable."""
    with scratch() as folder:
        ended = setting.run([sys.executable, "-B", PROBE], folder, False, SECONDS)
    if ended.code != 0:
        raise Unusable(explain("asking the driver: " + ended.how()))
    answer = json.loads(ended.out)
    why = trouble(answer, setting.dry)
    if why:
        raise Unusable(why)
    return {
        "gpus": answer["gpus"],
        "driver": answer["driver"],
        "cuda": answer.get("cuda"),
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def trouble(answer, dry):
    """Why a driver that answers so is not the one wanted, or None."""
    if "absent" in answer:
        return explain("no CUDA driver: " + answer["absent"])
    if answer["cuInit"] != 0:
        return explain("the driver is here, and its cuInit answers {}".format(answer["cuInit"]))
    if not answer.get("gpus"):
        return explain("the driver is here, and shows no device")
    simulated = all(gpu.startswith("Simulated ") for gpu in answer["gpus"])
    if simulated and not dry:
        return "libcuda.so.1 is the simulated driver here: nothing measured on it is a GPU result; use --dry"
    if dry and not simulated:
        return "--dry came to a real driver ({}): is BUILD/sim complete?".format(answer["gpus"][0])
    return None


def explain(what):
    signs = hints()
    if not signs:
        return "no usable GPU: {}. Nothing else here hints at one; --dry runs on the simulated driver".format(what)
    return "no usable GPU: {}. But something hints at one: {}".format(what, ", ".join(signs))


def hints():
    """Whatever else says that a GPU should be here, or hides it."""
    devices = sorted(str(path) for path in Path("/dev").glob("nvidia*")) + ["/dev/dxg"]
    places = devices + ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"]
    signs = [place for place in places if os.path.exists(place)]
    signs += [path for path in (os.path.join(folder, "nvidia-smi") for folder in os.get_exec_path())
              if os.access(path, os.X_OK)]
    names = ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
             "CUDA_MPS_PIPE_DIRECTORY", "CUOTA_DRIVER")
    return signs + ["{}={}".format(name, os.environ[name]) for name in names if name in os.environ]
