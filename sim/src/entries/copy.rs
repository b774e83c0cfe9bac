//! Entry points: copies and fills.

use std::ffi::{c_uint, c_void};

use cudarc::driver::sys::*;

use crate::memory::{copy, fill};

entries! {
    [cuMemcpy cuMemcpy_ptds] (dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) => copy::any;
    [cuMemcpyAsync cuMemcpyAsync_ptsz] (dst: CUdeviceptr, src: CUdeviceptr, bytes: usize, stream: CUstream) => copy::any_async;
    [cuMemcpyHtoD_v2 cuMemcpyHtoD_v2_ptds] (dst: CUdeviceptr, src: *const c_void, bytes: usize) => copy::to_device;
    [cuMemcpyHtoDAsync_v2 cuMemcpyHtoDAsync_v2_ptsz] (dst: CUdeviceptr, src: *const c_void, bytes: usize, stream: CUstream) => copy::to_device_async;
    [cuMemcpyDtoH_v2 cuMemcpyDtoH_v2_ptds] (dst: *mut c_void, src: CUdeviceptr, bytes: usize) => copy::to_host;
    [cuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2_ptsz] (dst: *mut c_void, src: CUdeviceptr, bytes: usize, stream: CUstream) => copy::to_host_async;
    [cuMemcpyDtoD_v2 cuMemcpyDtoD_v2_ptds] (dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) => copy::on_device;
    [cuMemcpyDtoDAsync_v2 cuMemcpyDtoDAsync_v2_ptsz] (dst: CUdeviceptr, src: CUdeviceptr, bytes: usize, stream: CUstream) => copy::on_device_async;
    [cuMemcpyPeer cuMemcpyPeer_ptds] (dst: CUdeviceptr, dst_context: CUcontext, src: CUdeviceptr, src_context: CUcontext, bytes: usize) => copy::peer;
    [cuMemcpyPeerAsync cuMemcpyPeerAsync_ptsz] (dst: CUdeviceptr, dst_context: CUcontext, src: CUdeviceptr, src_context: CUcontext, bytes: usize, stream: CUstream) => copy::peer_async;

    [cuMemcpyAtoA_v2 cuMemcpyAtoA_v2_ptds] (dst: CUarray, dst_offset: usize, src: CUarray, src_offset: usize, bytes: usize) => copy::array_to_array;
    [cuMemcpyAtoD_v2 cuMemcpyAtoD_v2_ptds] (dst: CUdeviceptr, src: CUarray, offset: usize, bytes: usize) => copy::array_to_device;
    [cuMemcpyDtoA_v2 cuMemcpyDtoA_v2_ptds] (dst: CUarray, offset: usize, src: CUdeviceptr, bytes: usize) => copy::device_to_array;
    [cuMemcpyHtoA_v2 cuMemcpyHtoA_v2_ptds] (dst: CUarray, offset: usize, src: *const c_void, bytes: usize) => copy::host_to_array;
    [cuMemcpyHtoAAsync_v2 cuMemcpyHtoAAsync_v2_ptsz] (dst: CUarray, offset: usize, src: *const c_void, bytes: usize, stream: CUstream) => copy::host_to_array_async;
    [cuMemcpyAtoH_v2 cuMemcpyAtoH_v2_ptds] (dst: *mut c_void, src: CUarray, offset: usize, bytes: usize) => copy::array_to_host;
    [cuMemcpyAtoHAsync_v2 cuMemcpyAtoHAsync_v2_ptsz] (dst: *mut c_void, src: CUarray, offset: usize, bytes: usize, stream: CUstream) => copy::array_to_host_async;

    [cuMemcpy2D_v2 cuMemcpy2D_v2_ptds cuMemcpy2DUnaligned_v2 cuMemcpy2DUnaligned_v2_ptds] (shape: *const CUDA_MEMCPY2D) => copy::plane;
    [cuMemcpy2DAsync_v2 cuMemcpy2DAsync_v2_ptsz] (shape: *const CUDA_MEMCPY2D, stream: CUstream) => copy::plane_async;
    [cuMemcpy3D_v2 cuMemcpy3D_v2_ptds] (shape: *const CUDA_MEMCPY3D) => copy::volume;
    [cuMemcpy3DAsync_v2 cuMemcpy3DAsync_v2_ptsz] (shape: *const CUDA_MEMCPY3D, stream: CUstream) => copy::volume_async;
    [cuMemcpy3DPeer cuMemcpy3DPeer_ptds] (shape: *const CUDA_MEMCPY3D_PEER) => copy::volume_peer;
    [cuMemcpy3DPeerAsync cuMemcpy3DPeerAsync_ptsz] (shape: *const CUDA_MEMCPY3D_PEER, stream: CUstream) => copy::volume_peer_async;

    [cuMemcpyBatchAsync cuMemcpyBatchAsync_ptsz] (dsts: *mut CUdeviceptr, srcs: *mut CUdeviceptr, sizes: *mut usize, count: usize, attributes: *mut CUmemcpyAttributes, firsts: *mut usize, kinds: usize, fail: *mut usize, stream: CUstream) => copy::batch;
    [cuMemcpyBatchAsync_v2 cuMemcpyBatchAsync_v2_ptsz] (dsts: *mut CUdeviceptr, srcs: *mut CUdeviceptr, sizes: *mut usize, count: usize, attributes: *mut CUmemcpyAttributes, firsts: *mut usize, kinds: usize, stream: CUstream) => copy::batch_v2;
    [cuMemcpy3DBatchAsync cuMemcpy3DBatchAsync_ptsz] (count: usize, ops: *mut CUDA_MEMCPY3D_BATCH_OP, fail: *mut usize, flags: u64, stream: CUstream) => copy::batch_3d;
    [cuMemcpy3DBatchAsync_v2 cuMemcpy3DBatchAsync_v2_ptsz] (count: usize, ops: *mut CUDA_MEMCPY3D_BATCH_OP, flags: u64, stream: CUstream) => copy::batch_3d_v2;
    [cuMemcpyWithAttributesAsync cuMemcpyWithAttributesAsync_ptsz] (dst: CUdeviceptr, src: CUdeviceptr, bytes: usize, attributes: *mut CUmemcpyAttributes, stream: CUstream) => copy::with_attributes;
    [cuMemcpy3DWithAttributesAsync cuMemcpy3DWithAttributesAsync_ptsz] (op: *mut CUDA_MEMCPY3D_BATCH_OP, flags: u64, stream: CUstream) => copy::with_attributes_3d;

    [cuMemsetD8_v2 cuMemsetD8_v2_ptds] (dst: CUdeviceptr, value: u8, n: usize) => fill::d8;
    [cuMemsetD16_v2 cuMemsetD16_v2_ptds] (dst: CUdeviceptr, value: u16, n: usize) => fill::d16;
    [cuMemsetD32_v2 cuMemsetD32_v2_ptds] (dst: CUdeviceptr, value: c_uint, n: usize) => fill::d32;
    [cuMemsetD8Async cuMemsetD8Async_ptsz] (dst: CUdeviceptr, value: u8, n: usize, stream: CUstream) => fill::d8_async;
    [cuMemsetD16Async cuMemsetD16Async_ptsz] (dst: CUdeviceptr, value: u16, n: usize, stream: CUstream) => fill::d16_async;
    [cuMemsetD32Async cuMemsetD32Async_ptsz] (dst: CUdeviceptr, value: c_uint, n: usize, stream: CUstream) => fill::d32_async;
    [cuMemsetD2D8_v2 cuMemsetD2D8_v2_ptds] (dst: CUdeviceptr, pitch: usize, value: u8, width: usize, height: usize) => fill::d2d8;
    [cuMemsetD2D16_v2 cuMemsetD2D16_v2_ptds] (dst: CUdeviceptr, pitch: usize, value: u16, width: usize, height: usize) => fill::d2d16;
    [cuMemsetD2D32_v2 cuMemsetD2D32_v2_ptds] (dst: CUdeviceptr, pitch: usize, value: c_uint, width: usize, height: usize) => fill::d2d32;
    [cuMemsetD2D8Async cuMemsetD2D8Async_ptsz] (dst: CUdeviceptr, pitch: usize, value: u8, width: usize, height: usize, stream: CUstream) => fill::d2d8_async;
    [cuMemsetD2D16Async cuMemsetD2D16Async_ptsz] (dst: CUdeviceptr, pitch: usize, value: u16, width: usize, height: usize, stream: CUstream) => fill::d2d16_async;
    [cuMemsetD2D32Async cuMemsetD2D32Async_ptsz] (dst: CUdeviceptr, pitch: usize, value: c_uint, width: usize, height: usize, stream: CUstream) => fill::d2d32_async;
}
