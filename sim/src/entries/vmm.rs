//! Entry points: virtual memory management.

use std::ffi::{c_uint, c_void};

use cudarc::driver::sys::*;

use crate::memory::vmm;

entries! {
    [cuMemAddressReserve] (out: *mut CUdeviceptr, bytes: usize, align: usize, wish: CUdeviceptr, flags: u64) => vmm::reserve;
    [cuMemAddressFree] (address: CUdeviceptr, bytes: usize) => vmm::free;
    [cuMemCreate] (out: *mut CUmemGenericAllocationHandle, bytes: usize, props: *const CUmemAllocationProp, flags: u64) => vmm::create;
    [cuMemRelease] (handle: CUmemGenericAllocationHandle) => vmm::release;
    [cuMemRetainAllocationHandle] (out: *mut CUmemGenericAllocationHandle, address: *mut c_void) => vmm::retain;
    [cuMemGetAllocationGranularity] (out: *mut usize, props: *const CUmemAllocationProp, option: c_uint) => vmm::granularity;
    [cuMemGetAllocationPropertiesFromHandle] (out: *mut CUmemAllocationProp, handle: CUmemGenericAllocationHandle) => vmm::properties;
    [cuMemMap] (address: CUdeviceptr, bytes: usize, offset: usize, handle: CUmemGenericAllocationHandle, flags: u64) => vmm::map;
    [cuMemUnmap] (address: CUdeviceptr, bytes: usize) => vmm::unmap;
    [cuMemSetAccess] (address: CUdeviceptr, bytes: usize, list: *const CUmemAccessDesc, count: usize) => vmm::set_access;
    [cuMemGetAccess] (out: *mut u64, location: *const CUmemLocation, address: CUdeviceptr) => vmm::get_access;
    [cuMemExportToShareableHandle] (out: *mut c_void, handle: CUmemGenericAllocationHandle, kind: c_uint, flags: u64) => vmm::export;
    [cuMemImportFromShareableHandle] (out: *mut CUmemGenericAllocationHandle, handle: *mut c_void, kind: c_uint) => vmm::import;
}
