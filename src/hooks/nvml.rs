//! NVML's entry points that tell of memory, processes and use. Never identity: UUIDs and PCI
//! attributes are as they are.

use core::ffi::{c_uint, c_ulonglong, c_void};

/// An `nvmlDevice_t`.
type Device = *mut c_void;
/// A structure of NVML's; `nvml_view` knows those it changes.
type Out = *mut c_void;

hooks! { crate::driver::Library::Nvml;
    unbound [nvmlDeviceGetMemoryInfo] (device: Device, memory: Out) => nvml_view::memory;
    unbound [nvmlDeviceGetMemoryInfo_v2] (device: Device, memory: Out) => nvml_view::memory_v2;

    unbound [nvmlDeviceGetComputeRunningProcesses] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes;
    unbound [nvmlDeviceGetComputeRunningProcesses_v2] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetComputeRunningProcesses_v3] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetGraphicsRunningProcesses] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes;
    unbound [nvmlDeviceGetGraphicsRunningProcesses_v2] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetGraphicsRunningProcesses_v3] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetMPSComputeRunningProcesses] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes;
    unbound [nvmlDeviceGetMPSComputeRunningProcesses_v2] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetMPSComputeRunningProcesses_v3] (
        device: Device, count: *mut c_uint, infos: Out) => nvml_view::processes_v2;
    unbound [nvmlDeviceGetRunningProcessDetailList] (
        device: Device, list: Out) => nvml_view::details;

    unbound [nvmlDeviceGetUtilizationRates] (device: Device, utilization: Out);
    unbound [nvmlDeviceGetProcessUtilization] (
        device: Device, samples: Out, count: *mut c_uint, since: c_ulonglong);
    unbound [nvmlDeviceGetProcessesUtilizationInfo] (device: Device, infos: Out);
}
