//! Launching as before CUDA 4: block shape and arguments are set on the function first.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr;

use cudarc::driver::sys::{CUfunction, CUstream};

use super::arguments::{BUFFER_POINTER, BUFFER_SIZE};
use super::function::{Legacy, live};
use super::{launch_calls, locked};
use crate::api::{Call, E, R, take_many};

/// The parameter space of a kernel.
const MOST: usize = 4096;

fn set(function: CUfunction, how: impl FnOnce(&mut Legacy) -> R) -> R {
    let function = live(function as usize)?;
    how(&mut locked(&function.settings).legacy)
}

pub fn block_shape(call: &Call, function: CUfunction, x: c_int, y: c_int, z: c_int) -> R {
    call.ctx()?;
    let size = |n: c_int| u32::try_from(n).ok().filter(|n| *n > 0).ok_or(E::INVALID_VALUE);
    let block = [size(x)?, size(y)?, size(z)?];
    set(function, |legacy| {
        legacy.block = block;
        Ok(())
    })
}

pub fn shared_size(call: &Call, function: CUfunction, bytes: c_uint) -> R {
    call.ctx()?;
    set(function, |legacy| {
        legacy.shared = bytes;
        Ok(())
    })
}

pub fn param_size(call: &Call, function: CUfunction, bytes: c_uint) -> R {
    call.ctx()?;
    if bytes as usize > MOST {
        return Err(E::INVALID_VALUE);
    }
    set(function, |legacy| {
        legacy.size = bytes as usize;
        Ok(())
    })
}

pub fn param_int(call: &Call, function: CUfunction, offset: c_int, value: c_uint) -> R {
    write(call, function, offset, &value.to_le_bytes())
}

pub fn param_float(call: &Call, function: CUfunction, offset: c_int, value: f32) -> R {
    write(call, function, offset, &value.to_le_bytes())
}

pub fn param_bytes(
    call: &Call,
    function: CUfunction,
    offset: c_int,
    from: *mut c_void,
    count: c_uint,
) -> R {
    write(call, function, offset, &take_many(from.cast::<u8>(), count as usize)?)
}

fn write(call: &Call, function: CUfunction, offset: c_int, value: &[u8]) -> R {
    call.ctx()?;
    let offset = usize::try_from(offset).or(Err(E::INVALID_VALUE))?;
    let end = offset.checked_add(value.len()).filter(|end| *end <= MOST).ok_or(E::INVALID_VALUE)?;
    set(function, |legacy| {
        if legacy.arguments.len() < end {
            legacy.arguments.resize(end, 0);
        }
        legacy.arguments[offset..end].copy_from_slice(value);
        Ok(())
    })
}

pub fn launch(call: &Call, function: CUfunction) -> R {
    launch_grid(call, function, 1, 1)
}

pub fn launch_grid(call: &Call, function: CUfunction, width: c_int, height: c_int) -> R {
    launch_grid_async(call, function, width, height, ptr::null_mut())
}

pub fn launch_grid_async(
    call: &Call,
    function: CUfunction,
    width: c_int,
    height: c_int,
    stream: CUstream,
) -> R {
    let mut legacy = locked(&live(function as usize)?.settings).legacy.clone();
    let size = |n: c_int| u32::try_from(n).or(Err(E::INVALID_VALUE));
    let [x, y, z] = legacy.block;
    legacy.arguments.resize(legacy.size, 0);
    let mut extra: [*mut c_void; 5] = [
        BUFFER_POINTER as *mut c_void,
        legacy.arguments.as_mut_ptr().cast(),
        BUFFER_SIZE as *mut c_void,
        (&raw mut legacy.size).cast(),
        ptr::null_mut(),
    ];
    let (width, height) = (size(width)?, size(height)?);
    launch_calls::kernel(
        call,
        function,
        width,
        height,
        1,
        x,
        y,
        z,
        legacy.shared,
        stream,
        ptr::null_mut(),
        extra.as_mut_ptr(),
    )
}
