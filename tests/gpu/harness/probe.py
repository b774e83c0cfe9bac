"""What the driver says of this machine, as JSON; run as a child, because a driver may never answer."""

import ctypes
import json


def driver():
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as why:
        return {"absent": str(why)}
    number, text = ctypes.c_int(), ctypes.create_string_buffer(256)
    answer = {"cuInit": cuda.cuInit(0)}
    if cuda.cuDriverGetVersion(ctypes.byref(number)) == 0:
        answer["cuda"] = "{}.{}".format(number.value // 1000, number.value % 1000 // 10)
    if answer["cuInit"] == 0 and cuda.cuDeviceGetCount(ctypes.byref(number)) == 0:
        answer["gpus"] = []
        for device in range(number.value):
            known = cuda.cuDeviceGetName(text, len(text), device) == 0
            answer["gpus"].append(text.value.decode(errors="replace") if known else "unnamed")
    return answer


def driver_version():
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    text = ctypes.create_string_buffer(80)
    if nvml.nvmlInit_v2() or nvml.nvmlSystemGetDriverVersion(text, len(text)):
        return None
    return text.value.decode(errors="replace")


if __name__ == "__main__":
    found = driver()
    found["driver"] = driver_version()
    print(json.dumps(found))
