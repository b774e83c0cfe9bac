//! Entry points: stream-ordered allocation and its pools.

use std::ffi::{c_uint, c_void};

use cudarc::driver::sys::*;

use crate::memory::pool;

entries! {
    [cuMemAllocAsync cuMemAllocAsync_ptsz] (out: *mut CUdeviceptr, bytes: usize, stream: CUstream) => pool::alloc;
    [cuMemAllocFromPoolAsync cuMemAllocFromPoolAsync_ptsz] (out: *mut CUdeviceptr, bytes: usize, pool: CUmemoryPool, stream: CUstream) => pool::alloc_from;
    [cuMemFreeAsync cuMemFreeAsync_ptsz] (address: CUdeviceptr, stream: CUstream) => pool::free;

    [cuMemPoolCreate] (out: *mut CUmemoryPool, props: *const CUmemPoolProps) => pool::create;
    [cuMemPoolDestroy] (pool: CUmemoryPool) => pool::destroy;
    [cuMemPoolTrimTo] (pool: CUmemoryPool, keep: usize) => pool::trim_to;
    [cuMemPoolGetAttribute] (pool: CUmemoryPool, attribute: c_uint, value: *mut c_void) => pool::get_attribute;
    [cuMemPoolSetAttribute] (pool: CUmemoryPool, attribute: c_uint, value: *mut c_void) => pool::set_attribute;
    [cuMemPoolSetAccess] (pool: CUmemoryPool, map: *const CUmemAccessDesc, count: usize) => pool::set_access;
    [cuMemPoolGetAccess] (out: *mut c_uint, pool: CUmemoryPool, location: *mut CUmemLocation) => pool::get_access;

    [cuMemPoolExportToShareableHandle] (out: *mut c_void, pool: CUmemoryPool, kind: c_uint, flags: u64) => pool::export_pool;
    [cuMemPoolImportFromShareableHandle] (out: *mut CUmemoryPool, handle: *mut c_void, kind: c_uint, flags: u64) => pool::import_pool;
    [cuMemPoolExportPointer] (out: *mut CUmemPoolPtrExportData, address: CUdeviceptr) => pool::export_pointer;
    [cuMemPoolImportPointer] (out: *mut CUdeviceptr, pool: CUmemoryPool, data: *mut CUmemPoolPtrExportData) => pool::import_pointer;

    [cuDeviceGetDefaultMemPool] (out: *mut CUmemoryPool, device: CUdevice) => pool::device_default;
    [cuDeviceGetMemPool] (out: *mut CUmemoryPool, device: CUdevice) => pool::device_get;
    [cuDeviceSetMemPool] (device: CUdevice, pool: CUmemoryPool) => pool::device_set;
    [cuMemGetDefaultMemPool] (out: *mut CUmemoryPool, location: *mut CUmemLocation, kind: c_uint) => pool::default_at;
    [cuMemGetMemPool] (out: *mut CUmemoryPool, location: *mut CUmemLocation, kind: c_uint) => pool::get_at;
    [cuMemSetMemPool] (location: *mut CUmemLocation, kind: c_uint, pool: CUmemoryPool) => pool::set_at;
}
