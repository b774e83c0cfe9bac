//! Values written in a stream's order, without a kernel: work that may fault like any other.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::*;

use super::real::Real;
use super::work::submitted;
use crate::client::Client;
use crate::driver::Status;

pub fn write_32(
    client: &Client,
    real: &Real,
    stream: CUstream,
    _: CUdeviceptr,
    _: cuuint32_t,
    _: c_uint,
) -> Status {
    submitted(client, real, stream, |_| {})
}

pub fn write_64(
    client: &Client,
    real: &Real,
    stream: CUstream,
    _: CUdeviceptr,
    _: cuuint64_t,
    _: c_uint,
) -> Status {
    submitted(client, real, stream, |_| {})
}

pub fn batch(
    client: &Client,
    real: &Real,
    stream: CUstream,
    _: c_uint,
    _: *mut CUstreamBatchMemOpParams,
    _: c_uint,
) -> Status {
    submitted(client, real, stream, |_| {})
}
