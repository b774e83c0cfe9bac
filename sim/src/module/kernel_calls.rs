//! The calls about kernels of libraries.

use std::ffi::{c_char, c_int, c_uint};
use std::sync::Arc;

use cudarc::driver::sys::{CUdevice, CUfunction, CUkernel, CUlibrary};

use super::function_calls::{parameter, parameter_count};
use super::library::{self, Kernel};
use super::locked;
use crate::api::{Call, E, R, given, put};
use crate::device;

fn kernel(handle: CUkernel) -> Result<Arc<Kernel>, E> {
    library::kernel(handle as usize).ok_or(E::INVALID_HANDLE)
}

pub fn function(call: &Call, out: *mut CUfunction, handle: CUkernel) -> R {
    given(out)?;
    put(out, kernel(handle)?.function(&call.ctx()?)?.handle as CUfunction)
}

pub fn library(_: &Call, out: *mut CUlibrary, handle: CUkernel) -> R {
    given(out)?;
    put(out, kernel(handle)?.library.upgrade().ok_or(E::INVALID_HANDLE)?.handle as CUlibrary)
}

pub fn get_attribute(
    _: &Call,
    out: *mut c_int,
    attribute: c_uint,
    handle: CUkernel,
    device: CUdevice,
) -> R {
    given(out)?;
    let (kernel, device) = (kernel(handle)?, device::of(device)?);
    let settings = kernel.settings(device.ordinal);
    let value = locked(&settings).attribute(&kernel.info, attribute)?;
    put(out, value)
}

pub fn set_attribute(
    _: &Call,
    attribute: c_uint,
    value: c_int,
    handle: CUkernel,
    device: CUdevice,
) -> R {
    let (kernel, device) = (kernel(handle)?, device::of(device)?);
    let settings = kernel.settings(device.ordinal);
    locked(&settings).set_attribute(&kernel.info, device, attribute, value)
}

pub fn set_cache_config(_: &Call, handle: CUkernel, config: c_uint, device: CUdevice) -> R {
    kernel(handle)?;
    device::of(device)?;
    if config <= 3 { Ok(()) } else { Err(E::INVALID_VALUE) }
}

pub fn name(_: &Call, out: *mut *const c_char, handle: CUkernel) -> R {
    given(out)?;
    put(out, kernel(handle)?.info.name.as_ptr())
}

pub fn param_info(
    _: &Call,
    handle: CUkernel,
    index: usize,
    offset: *mut usize,
    size: *mut usize,
) -> R {
    parameter(&kernel(handle)?.info, index, offset, size)
}

pub fn param_count(_: &Call, handle: CUkernel, count: *mut usize) -> R {
    given(count)?;
    parameter_count(&kernel(handle)?.info, count)
}
