//! Kernel launches.
#![forbid(unsafe_code)]

use core::ffi::{c_uint, c_void};

use cudarc::driver::sys::{CUfunction, CUlaunchConfig, CUstream};

use super::real::Real;
use crate::client::Client;
use crate::driver::Status;

#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub fn kernel(
    _: &Client,
    real: &Real,
    _function: CUfunction,
    _grid_x: c_uint,
    _grid_y: c_uint,
    _grid_z: c_uint,
    _block_x: c_uint,
    _block_y: c_uint,
    _block_z: c_uint,
    _shared_bytes: c_uint,
    _stream: CUstream,
    _parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> Status {
    real.call()
}

#[inline(always)]
pub fn kernel_ex(
    _: &Client,
    real: &Real,
    _config: *const CUlaunchConfig,
    _function: CUfunction,
    _parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> Status {
    real.call()
}

#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub fn cooperative(
    _: &Client,
    real: &Real,
    _function: CUfunction,
    _grid_x: c_uint,
    _grid_y: c_uint,
    _grid_z: c_uint,
    _block_x: c_uint,
    _block_y: c_uint,
    _block_z: c_uint,
    _shared_bytes: c_uint,
    _stream: CUstream,
    _parameters: *mut *mut c_void,
) -> Status {
    real.call()
}
