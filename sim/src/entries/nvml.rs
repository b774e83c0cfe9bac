//! Entry points: the management library.

use std::ffi::{c_char, c_int, c_uint};

use crate::nvml::{self, *};

nvml_text! {
    [nvmlErrorString] (code: c_uint) => nvml::error_string
}

nvml_entries! {
    [nvmlInit nvmlInit_v2] () => nvml::init;
    [nvmlInitWithFlags] (flags: c_uint) => nvml::init_with_flags;
    [nvmlShutdown] () => nvml::shutdown;

    [nvmlSystemGetDriverVersion] (out: *mut c_char, room: c_uint) => nvml::driver_version;
    [nvmlSystemGetNVMLVersion] (out: *mut c_char, room: c_uint) => nvml::nvml_version;
    [nvmlSystemGetCudaDriverVersion nvmlSystemGetCudaDriverVersion_v2] (out: *mut c_int) => nvml::cuda_driver_version;
    [nvmlSystemGetProcessName] (pid: c_uint, out: *mut c_char, room: c_uint) => nvml::process_name;

    [nvmlDeviceGetCount nvmlDeviceGetCount_v2] (out: *mut c_uint) => nvml::count;
    [nvmlDeviceGetHandleByIndex nvmlDeviceGetHandleByIndex_v2] (index: c_uint, out: *mut Handle) => nvml::by_index;
    [nvmlDeviceGetHandleByUUID] (uuid: *const c_char, out: *mut Handle) => nvml::by_uuid;
    [nvmlDeviceGetHandleByPciBusId nvmlDeviceGetHandleByPciBusId_v2] (id: *const c_char, out: *mut Handle) => nvml::by_pci_bus_id;
    [nvmlDeviceGetName] (card: Handle, out: *mut c_char, room: c_uint) => nvml::name;
    [nvmlDeviceGetUUID] (card: Handle, out: *mut c_char, room: c_uint) => nvml::uuid;
    [nvmlDeviceGetIndex] (card: Handle, out: *mut c_uint) => nvml::index;
    [nvmlDeviceGetPciInfo nvmlDeviceGetPciInfo_v2] (card: Handle, out: *mut PciInfoBase) => nvml::pci_info_v1;
    [nvmlDeviceGetPciInfo_v3] (card: Handle, out: *mut PciInfo) => nvml::pci_info;
    [nvmlDeviceGetCudaComputeCapability] (card: Handle, major: *mut c_int, minor: *mut c_int) => nvml::capability;
    [nvmlDeviceGetArchitecture] (card: Handle, out: *mut c_uint) => nvml::architecture;

    [nvmlDeviceGetMemoryInfo] (card: Handle, out: *mut Memory) => nvml::memory_info;
    [nvmlDeviceGetMemoryInfo_v2] (card: Handle, out: *mut MemoryV2) => nvml::memory_info_v2;
    [nvmlDeviceGetBAR1MemoryInfo] (card: Handle, out: *mut Memory) => nvml::bar1_info;

    [nvmlDeviceGetComputeRunningProcesses] (card: Handle, count: *mut c_uint, items: *mut InfoV1) => nvml::compute_v1;
    [nvmlDeviceGetComputeRunningProcesses_v2 nvmlDeviceGetComputeRunningProcesses_v3] (card: Handle, count: *mut c_uint, items: *mut Info) => nvml::compute;
    [nvmlDeviceGetGraphicsRunningProcesses] (card: Handle, count: *mut c_uint, items: *mut InfoV1) => nvml::graphics_v1;
    [nvmlDeviceGetGraphicsRunningProcesses_v2 nvmlDeviceGetGraphicsRunningProcesses_v3] (card: Handle, count: *mut c_uint, items: *mut Info) => nvml::graphics;
    [nvmlDeviceGetMPSComputeRunningProcesses] (card: Handle, count: *mut c_uint, items: *mut InfoV1) => nvml::mps_v1;
    [nvmlDeviceGetMPSComputeRunningProcesses_v2 nvmlDeviceGetMPSComputeRunningProcesses_v3] (card: Handle, count: *mut c_uint, items: *mut Info) => nvml::mps;
    [nvmlDeviceGetRunningProcessDetailList] (card: Handle, list: *mut DetailList) => nvml::details;

    [nvmlDeviceGetUtilizationRates] (card: Handle, out: *mut Rates) => nvml::utilization;
    [nvmlDeviceGetProcessUtilization] (card: Handle, out: *mut Sample, count: *mut c_uint, since: u64) => nvml::process_utilization;
    [nvmlDeviceGetEncoderUtilization nvmlDeviceGetDecoderUtilization] (card: Handle, out: *mut c_uint, period: *mut c_uint) => nvml::codec_utilization;

    [nvmlDeviceGetComputeMode nvmlDeviceGetMultiGpuBoard nvmlDeviceGetDisplayMode nvmlDeviceGetDisplayActive nvmlDeviceGetMaxMigDeviceCount nvmlDeviceIsMigDeviceHandle] (card: Handle, out: *mut c_uint) => nvml::off;
    [nvmlDeviceGetPersistenceMode] (card: Handle, out: *mut c_uint) => nvml::on;
    [nvmlDeviceSetComputeMode nvmlDeviceSetPersistenceMode nvmlDeviceSetMigMode nvmlDeviceSetPowerManagementLimit] (card: Handle) => nvml::no_permission;
    [nvmlDeviceGetMigMode] (card: Handle, current: *mut c_uint, pending: *mut c_uint) => nvml::mig_mode;
    [nvmlDeviceGetMigDeviceHandleByIndex] (card: Handle, index: c_uint, out: *mut Handle) => nvml::no_mig_device;
    [nvmlDeviceGetEccMode] (card: Handle, current: *mut c_uint, pending: *mut c_uint) => nvml::ecc_mode;
    [nvmlDeviceGetMinorNumber nvmlDeviceGetBoardId] (card: Handle, out: *mut c_uint) => nvml::minor_number;
    [nvmlDeviceGetTemperature] (card: Handle, sensor: c_uint, out: *mut c_uint) => nvml::temperature;
    [nvmlDeviceGetTemperatureThreshold] (card: Handle, kind: c_uint, out: *mut c_uint) => nvml::temperature_threshold;
    [nvmlDeviceGetPowerUsage] (card: Handle, out: *mut c_uint) => nvml::power;
    [nvmlDeviceGetEnforcedPowerLimit nvmlDeviceGetPowerManagementLimit nvmlDeviceGetPowerManagementDefaultLimit] (card: Handle, out: *mut c_uint) => nvml::power_limit;
    [nvmlDeviceGetPerformanceState] (card: Handle, out: *mut c_uint) => nvml::performance_state;
    [nvmlDeviceGetClockInfo nvmlDeviceGetMaxClockInfo] (card: Handle, kind: c_uint, out: *mut c_uint) => nvml::clock_mhz;
    [nvmlDeviceGetCurrPcieLinkGeneration nvmlDeviceGetMaxPcieLinkGeneration] (card: Handle, out: *mut c_uint) => nvml::pcie_generation;
    [nvmlDeviceGetCurrPcieLinkWidth nvmlDeviceGetMaxPcieLinkWidth] (card: Handle, out: *mut c_uint) => nvml::pcie_width;
    [nvmlDeviceGetPcieThroughput] (card: Handle, direction: c_uint, out: *mut c_uint) => nvml::pcie_throughput;
    [nvmlDeviceGetNumGpuCores] (card: Handle, out: *mut c_uint) => nvml::gpu_cores;
    [nvmlDeviceGetMemoryBusWidth] (card: Handle, out: *mut c_uint) => nvml::bus_width;
    [nvmlDeviceGetBrand] (card: Handle, out: *mut c_uint) => nvml::brand;
    [nvmlDeviceGetVbiosVersion] (card: Handle, out: *mut c_char, room: c_uint) => nvml::vbios_version;
    [nvmlDeviceGetCpuAffinity] (card: Handle, words: c_uint, out: *mut u64) => nvml::cpu_affinity;
    [nvmlDeviceGetP2PStatus] (from: Handle, to: Handle, index: c_uint, out: *mut c_int) => nvml::p2p_status;
    [nvmlDeviceGetTopologyCommonAncestor] (from: Handle, to: Handle, out: *mut c_uint) => nvml::common_ancestor;
    [nvmlDeviceGetFanSpeed nvmlDeviceGetSerial nvmlDeviceGetBoardPartNumber nvmlDeviceGetTotalEnergyConsumption nvmlDeviceGetNvLinkState nvmlDeviceGetNvLinkRemotePciInfo_v2 nvmlDeviceGetNvLinkCapability nvmlDeviceGetAccountingMode] (card: Handle) => nvml::not_supported;
}
