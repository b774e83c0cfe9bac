//! Entry points: device, host and managed memory, and what is known of an address.

use std::ffi::{c_uint, c_void};

use cudarc::driver::sys::*;

use crate::memory::abi::Location as CUmemLocation;
use crate::memory::{alloc, external, graph_mem, host, ipc, managed, pointer};

entries! {
    [cuMemAlloc_v2] (out: *mut CUdeviceptr, bytes: usize) => alloc::alloc;
    [cuMemAllocPitch_v2] (out: *mut CUdeviceptr, pitch: *mut usize, width: usize, height: usize, element: c_uint) => alloc::alloc_pitch;
    [cuMemFree_v2] (address: CUdeviceptr) => alloc::free;
    [cuMemGetInfo_v2] (free: *mut usize, total: *mut usize) => alloc::info;
    [cuMemGetAddressRange_v2] (base: *mut CUdeviceptr, bytes: *mut usize, address: CUdeviceptr) => alloc::address_range;

    [cuMemAllocHost_v2] (out: *mut *mut c_void, bytes: usize) => host::alloc_plain;
    [cuMemHostAlloc] (out: *mut *mut c_void, bytes: usize, flags: c_uint) => host::alloc;
    [cuMemFreeHost] (address: *mut c_void) => host::free;
    [cuMemHostRegister cuMemHostRegister_v2] (address: *mut c_void, bytes: usize, flags: c_uint) => host::register;
    [cuMemHostUnregister] (address: *mut c_void) => host::unregister;
    [cuMemHostGetDevicePointer_v2] (out: *mut CUdeviceptr, address: *mut c_void, flags: c_uint) => host::device_pointer;
    [cuMemHostGetFlags] (out: *mut c_uint, address: *mut c_void) => host::flags;

    [cuMemAllocManaged] (out: *mut CUdeviceptr, bytes: usize, flags: c_uint) => managed::alloc;
    [cuMemPrefetchAsync cuMemPrefetchAsync_ptsz] (address: CUdeviceptr, count: usize, device: CUdevice, stream: CUstream) => managed::prefetch;
    [cuMemPrefetchAsync_v2 cuMemPrefetchAsync_v2_ptsz] (address: CUdeviceptr, count: usize, to: CUmemLocation, flags: c_uint, stream: CUstream) => managed::prefetch_v2;
    [cuMemPrefetchBatchAsync cuMemPrefetchBatchAsync_ptsz] (addresses: *mut CUdeviceptr, sizes: *mut usize, count: usize, locations: *mut CUmemLocation, firsts: *mut usize, kinds: usize, flags: u64, stream: CUstream) => managed::prefetch_batch;
    [cuMemDiscardBatchAsync cuMemDiscardBatchAsync_ptsz] (addresses: *mut CUdeviceptr, sizes: *mut usize, count: usize, flags: u64, stream: CUstream) => managed::discard_batch;
    [cuMemDiscardAndPrefetchBatchAsync cuMemDiscardAndPrefetchBatchAsync_ptsz] (addresses: *mut CUdeviceptr, sizes: *mut usize, count: usize, locations: *mut CUmemLocation, firsts: *mut usize, kinds: usize, flags: u64, stream: CUstream) => managed::discard_and_prefetch_batch;
    [cuMemAdvise] (address: CUdeviceptr, count: usize, advice: c_uint, device: CUdevice) => managed::advise;
    [cuMemAdvise_v2] (address: CUdeviceptr, count: usize, advice: c_uint, to: CUmemLocation) => managed::advise_v2;
    [cuMemRangeGetAttribute] (data: *mut c_void, size: usize, attribute: c_uint, address: CUdeviceptr, count: usize) => managed::range_attribute;
    [cuMemRangeGetAttributes] (data: *mut *mut c_void, sizes: *mut usize, attributes: *mut c_uint, wanted: usize, address: CUdeviceptr, count: usize) => managed::range_attributes;

    [cuPointerGetAttribute] (out: *mut c_void, attribute: c_uint, address: CUdeviceptr) => pointer::get;
    [cuPointerGetAttributes] (count: c_uint, attributes: *mut c_uint, out: *mut *mut c_void, address: CUdeviceptr) => pointer::get_many;
    [cuPointerSetAttribute] (value: *const c_void, attribute: c_uint, address: CUdeviceptr) => pointer::set;

    [cuIpcGetMemHandle] (out: *mut CUipcMemHandle, address: CUdeviceptr) => ipc::get;
    [cuIpcOpenMemHandle cuIpcOpenMemHandle_v2] (out: *mut CUdeviceptr, handle: CUipcMemHandle, flags: c_uint) => ipc::open;
    [cuIpcCloseMemHandle] (address: CUdeviceptr) => ipc::close;

    [cuImportExternalMemory] (out: *mut CUexternalMemory, description: *const CUDA_EXTERNAL_MEMORY_HANDLE_DESC) => external::import;
    [cuExternalMemoryGetMappedBuffer] (out: *mut CUdeviceptr, memory: CUexternalMemory, description: *const CUDA_EXTERNAL_MEMORY_BUFFER_DESC) => external::mapped_buffer;
    [cuExternalMemoryGetMappedMipmappedArray] (out: *mut CUmipmappedArray, memory: CUexternalMemory, description: *const CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC) => external::mapped_mipmap;
    [cuDestroyExternalMemory] (memory: CUexternalMemory) => external::destroy;

    [cuDeviceGraphMemTrim] (device: CUdevice) => graph_mem::trim;
    [cuDeviceGetGraphMemAttribute] (device: CUdevice, attribute: c_uint, value: *mut c_void) => graph_mem::get_attribute;
    [cuDeviceSetGraphMemAttribute] (device: CUdevice, attribute: c_uint, value: *mut c_void) => graph_mem::set_attribute;
}
