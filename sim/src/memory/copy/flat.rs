//! One-dimensional copies: each direction is an entry point that waits and one that does not.

use super::Job;
use crate::api::{Call, R};
use crate::context;
use crate::done::{Done, did_bytes};
use crate::memory::abi::Side3D;
use crate::memory::order;
use cudarc::driver::sys::{CUarray, CUcontext, CUdeviceptr, CUstream};
use std::ffi::c_void;

fn now(call: &Call, dst: Side3D, src: Side3D, bytes: usize) -> R {
    let ctx = call.ctx()?;
    order::copy_now(call, &ctx, Job::flat(dst, src, bytes)?)
}

fn later(call: &Call, dst: Side3D, src: Side3D, bytes: usize, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    order::copy(call, &ctx, stream, Job::flat(dst, src, bytes)?)
}

fn cell(array: CUarray, offset: usize) -> Side3D {
    Side3D::array(array as usize, offset)
}

pub fn any(call: &Call, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) -> R {
    now(call, Side3D::unified(dst), Side3D::unified(src), bytes)
}

pub fn any_async(
    call: &Call,
    dst: CUdeviceptr,
    src: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, Side3D::unified(dst), Side3D::unified(src), bytes, stream)
}

pub fn to_device(call: &Call, dst: CUdeviceptr, src: *const c_void, bytes: usize) -> R {
    now(call, Side3D::device(dst), Side3D::host(src), bytes)
}

pub fn to_device_async(
    call: &Call,
    dst: CUdeviceptr,
    src: *const c_void,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, Side3D::device(dst), Side3D::host(src), bytes, stream)
}

pub fn to_host(call: &Call, dst: *mut c_void, src: CUdeviceptr, bytes: usize) -> R {
    now(call, Side3D::host(dst), Side3D::device(src), bytes)
}

pub fn to_host_async(
    call: &Call,
    dst: *mut c_void,
    src: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, Side3D::host(dst), Side3D::device(src), bytes, stream)
}

pub fn on_device(call: &Call, dst: CUdeviceptr, src: CUdeviceptr, bytes: usize) -> R {
    now(call, Side3D::device(dst), Side3D::device(src), bytes)
}

pub fn on_device_async(
    call: &Call,
    dst: CUdeviceptr,
    src: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, Side3D::device(dst), Side3D::device(src), bytes, stream)
}

pub fn peer(
    call: &Call,
    dst: CUdeviceptr,
    dst_context: CUcontext,
    src: CUdeviceptr,
    src_context: CUcontext,
    bytes: usize,
) -> R {
    context::named(dst_context)?;
    context::named(src_context)?;
    on_device(call, dst, src, bytes)?;
    did_bytes(Done::Peer, bytes);
    Ok(())
}

pub fn peer_async(
    call: &Call,
    dst: CUdeviceptr,
    dst_context: CUcontext,
    src: CUdeviceptr,
    src_context: CUcontext,
    bytes: usize,
    stream: CUstream,
) -> R {
    context::named(dst_context)?;
    context::named(src_context)?;
    on_device_async(call, dst, src, bytes, stream)?;
    did_bytes(Done::Peer, bytes);
    Ok(())
}

pub fn array_to_array(
    call: &Call,
    dst: CUarray,
    dst_offset: usize,
    src: CUarray,
    src_offset: usize,
    bytes: usize,
) -> R {
    now(call, cell(dst, dst_offset), cell(src, src_offset), bytes)
}

pub fn array_to_device(
    call: &Call,
    dst: CUdeviceptr,
    src: CUarray,
    offset: usize,
    bytes: usize,
) -> R {
    now(call, Side3D::device(dst), cell(src, offset), bytes)
}

pub fn device_to_array(
    call: &Call,
    dst: CUarray,
    offset: usize,
    src: CUdeviceptr,
    bytes: usize,
) -> R {
    now(call, cell(dst, offset), Side3D::device(src), bytes)
}

pub fn host_to_array(
    call: &Call,
    dst: CUarray,
    offset: usize,
    src: *const c_void,
    bytes: usize,
) -> R {
    now(call, cell(dst, offset), Side3D::host(src), bytes)
}

pub fn host_to_array_async(
    call: &Call,
    dst: CUarray,
    offset: usize,
    src: *const c_void,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, cell(dst, offset), Side3D::host(src), bytes, stream)
}

pub fn array_to_host(
    call: &Call,
    dst: *mut c_void,
    src: CUarray,
    offset: usize,
    bytes: usize,
) -> R {
    now(call, Side3D::host(dst), cell(src, offset), bytes)
}

pub fn array_to_host_async(
    call: &Call,
    dst: *mut c_void,
    src: CUarray,
    offset: usize,
    bytes: usize,
    stream: CUstream,
) -> R {
    later(call, Side3D::host(dst), cell(src, offset), bytes, stream)
}
