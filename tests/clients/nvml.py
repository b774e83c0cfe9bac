"""nvidia-ml-py, unmodified: what nvidia-smi and JAX ask of NVML."""

import pynvml as nvml

nvml.nvmlInit()
for index in range(nvml.nvmlDeviceGetCount()):
    device = nvml.nvmlDeviceGetHandleByIndex(index)
    memory, newer = nvml.nvmlDeviceGetMemoryInfo(device), nvml.nvmlDeviceGetMemoryInfo(device, version=nvml.nvmlMemory_v2)
    print(nvml.nvmlDeviceGetName(device), memory.total, memory.used, newer.total)
    print(len(nvml.nvmlDeviceGetComputeRunningProcesses(device)), nvml.nvmlDeviceGetUtilizationRates(device).gpu)
nvml.nvmlShutdown()
