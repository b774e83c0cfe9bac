//! Linear device memory.
#![forbid(unsafe_code)]

use cudarc::driver::sys::CUdeviceptr;

use super::real::Real;
use crate::client::Client;
use crate::driver::Status;

pub fn alloc(_: &Client, real: &Real, _out: *mut CUdeviceptr, _bytes: usize) -> Status {
    real.call()
}

pub fn free(_: &Client, real: &Real, _pointer: CUdeviceptr) -> Status {
    real.call()
}
