"""What NVML says of the cards: as a child that answers each line with all of it as JSON."""

import ctypes
import json
import sys

UNKNOWN = (1 << 64) - 1
MOST = 512


class Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("total", "free", "used")]


class NewerMemory(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint)]
    _fields_ += [(name, ctypes.c_uint64) for name in ("total", "reserved", "free", "used")]


class Process(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("bytes", ctypes.c_uint64), ("instances", ctypes.c_uint * 2)]


def look(nvml):
    """UUID → what is said of that card."""
    count, found = ctypes.c_uint(), {}
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    for index in range(count.value):
        card, text = ctypes.c_void_p(), ctypes.create_string_buffer(96)
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(card)):
            continue
        nvml.nvmlDeviceGetUUID(card, text, len(text))
        old, new = Memory(), NewerMemory()
        new.version = ctypes.sizeof(new) | 2 << 24
        views = {}
        if not nvml.nvmlDeviceGetMemoryInfo(card, ctypes.byref(old)):
            views["nvmlDeviceGetMemoryInfo"] = {"total": old.total, "used": old.used}
        if hasattr(nvml, "nvmlDeviceGetMemoryInfo_v2"):
            if not nvml.nvmlDeviceGetMemoryInfo_v2(card, ctypes.byref(new)):
                views["nvmlDeviceGetMemoryInfo_v2"] = {"total": new.total, "used": new.used}
        name = text.value.decode().split("-", 1)[-1]
        found[name] = {"views": views, "used": old.used, "processes": processes(nvml, card)}
        found[name].update(cores=cores(nvml, card), capability=capability(nvml, card))
    return found


def cores(nvml, card):
    ask, count = getattr(nvml, "nvmlDeviceGetNumGpuCores", None), ctypes.c_uint()
    return count.value if ask and not ask(card, ctypes.byref(count)) else None


def capability(nvml, card):
    major, minor = ctypes.c_int(), ctypes.c_int()
    failed = nvml.nvmlDeviceGetCudaComputeCapability(card, ctypes.byref(major), ctypes.byref(minor))
    return None if failed else [major.value, minor.value]


def processes(nvml, card):
    """pid → bytes; pids may be those of another namespace."""
    found = {}
    for kind in ("Compute", "MPSCompute"):
        ask = getattr(nvml, "nvmlDeviceGet{}RunningProcesses_v3".format(kind), None)
        room, listed = ctypes.c_uint(MOST), (Process * MOST)()
        if ask and not ask(card, ctypes.byref(room), listed):
            found.update({one.pid: one.bytes for one in listed[:room.value] if one.bytes != UNKNOWN})
    return found


if __name__ == "__main__":
    library = ctypes.CDLL("libnvidia-ml.so.1")
    if library.nvmlInit_v2():
        sys.exit("NVML does not start")
    for _ in sys.stdin:
        print(json.dumps(look(library)), flush=True)
