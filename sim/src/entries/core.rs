//! Entry points: initialisation, lookup, error texts, devices.

use std::ffi::{c_char, c_int, c_uint, c_void};

use cudarc::driver::sys::*;

use crate::{device, errors, init, lookup};

entries! {
    [cuInit] (flags: c_uint) => init::init;
    [cuDriverGetVersion] (version: *mut c_int) => init::driver_version;
    [cuGetProcAddress] (symbol: *const c_char, out: *mut *mut c_void, version: c_int, flags: u64) => lookup::first;
    [cuGetProcAddress_v2] (symbol: *const c_char, out: *mut *mut c_void, version: c_int, flags: u64, status: *mut c_uint) => lookup::second;
    [cuGetExportTable] (table: *mut *const c_void, id: *const CUuuid) => lookup::export_table;
    [cuGetErrorName] (error: c_uint, text: *mut *const c_char) => errors::name;
    [cuGetErrorString] (error: c_uint, text: *mut *const c_char) => errors::string;
    [cuDeviceGetCount] (count: *mut c_int) => device::count;
    [cuDeviceGet] (device: *mut CUdevice, ordinal: c_int) => device::get;
    [cuDeviceGetName] (name: *mut c_char, len: c_int, device: CUdevice) => device::name;
    [cuDeviceTotalMem_v2] (bytes: *mut usize, device: CUdevice) => device::total_mem;
    [cuDeviceTotalMem] (bytes: *mut c_uint, device: CUdevice) => device::total_mem_v1;
    [cuDeviceGetUuid cuDeviceGetUuid_v2] (uuid: *mut CUuuid, device: CUdevice) => device::uuid;
    [cuDeviceGetLuid] (luid: *mut c_char, mask: *mut c_uint, device: CUdevice) => device::luid;
    [cuDeviceGetPCIBusId] (id: *mut c_char, len: c_int, device: CUdevice) => device::pci_bus_id;
    [cuDeviceGetByPCIBusId] (device: *mut CUdevice, id: *const c_char) => device::by_pci_bus_id;
    [cuDeviceGetAttribute] (value: *mut c_int, attribute: c_int, device: CUdevice) => device::attribute;
    [cuDeviceComputeCapability] (major: *mut c_int, minor: *mut c_int, device: CUdevice) => device::compute_capability;
    [cuDeviceGetProperties] (properties: *mut CUdevprop, device: CUdevice) => device::properties;
    [cuDeviceGetExecAffinitySupport] (supported: *mut c_int, kind: c_uint, device: CUdevice) => device::affinity_support;
    [cuDeviceGetHostAtomicCapabilities] (out: *mut c_uint, operations: *const c_uint, count: c_uint, device: CUdevice) => device::host_atomics;
    [cuDeviceCanAccessPeer] (can: *mut c_int, device: CUdevice, peer: CUdevice) => device::can_access_peer;
    [cuDeviceGetP2PAttribute] (value: *mut c_int, attribute: c_uint, from: CUdevice, to: CUdevice) => device::p2p_attribute;
    [cuDeviceGetP2PAtomicCapabilities] (out: *mut c_uint, operations: *const c_uint, count: c_uint, from: CUdevice, to: CUdevice) => device::p2p_atomics;
}
