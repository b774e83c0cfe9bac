//! The calls about functions.

use std::ffi::{c_char, c_int, c_uint};

use cudarc::driver::sys::{CUfunction, CUmodule};

use super::function::{Function, Settings, live};
use super::image::Kernel;
use super::{library, locked};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::device::{Device, SmLimits};

/// `CUfunction_attribute`
const MAX_THREADS: c_uint = 0;
const SHARED: c_uint = 1;
const CONSTANT: c_uint = 2;
const LOCAL: c_uint = 3;
const REGISTERS: c_uint = 4;
const PTX_VERSION: c_uint = 5;
const BINARY_VERSION: c_uint = 6;
const CACHE_MODE: c_uint = 7;
const MAX_DYNAMIC_SHARED: c_uint = 8;
const CARVEOUT: c_uint = 9;
const CLUSTER_MUST_BE_SET: c_uint = 10;
const CLUSTER_WIDTH: c_uint = 11;
const CLUSTER_DEPTH: c_uint = 13;
const LARGE_CLUSTERS: c_uint = 14;
const CLUSTER_POLICY: c_uint = 15;

impl Settings {
    pub fn attribute(&self, info: &Kernel, attribute: c_uint) -> Result<c_int, E> {
        let value = match attribute {
            MAX_THREADS => info.max_threads(),
            SHARED => info.shared,
            CONSTANT => info.constant,
            LOCAL => info.local,
            REGISTERS => info.registers,
            PTX_VERSION => info.ptx_version,
            BINARY_VERSION => info.binary_version,
            CACHE_MODE => 0,
            MAX_DYNAMIC_SHARED => self.max_dynamic_shared(info),
            CARVEOUT => return Ok(self.carveout),
            CLUSTER_MUST_BE_SET => return Ok(self.cluster_must_be_set),
            CLUSTER_WIDTH..=CLUSTER_DEPTH => {
                info.cluster.unwrap_or(self.cluster)[(attribute - CLUSTER_WIDTH) as usize]
            }
            LARGE_CLUSTERS => u32::from(self.large_clusters),
            CLUSTER_POLICY => return Ok(self.cluster_policy),
            _ => return Err(E::INVALID_VALUE),
        };
        Ok(value as c_int)
    }

    pub fn set_attribute(
        &mut self,
        info: &Kernel,
        device: &Device,
        attribute: c_uint,
        value: c_int,
    ) -> R {
        let limits = SmLimits::of(device.card.capability);
        let natural = |value: c_int| u32::try_from(value).or(Err(E::INVALID_VALUE));
        let within = |range: std::ops::RangeInclusive<c_int>| {
            if range.contains(&value) { Ok(value) } else { Err(E::INVALID_VALUE) }
        };
        match attribute {
            MAX_DYNAMIC_SHARED => {
                let most = limits.shared_bytes_opt_in.saturating_sub(info.shared);
                self.max_dynamic_shared = Some(
                    natural(value).ok().filter(|bytes| *bytes <= most).ok_or(E::INVALID_VALUE)?,
                );
            }
            CARVEOUT => self.carveout = within(-1..=100)?,
            CLUSTER_MUST_BE_SET => self.cluster_must_be_set = within(0..=1)?,
            CLUSTER_WIDTH..=CLUSTER_DEPTH => {
                // What the code fixes cannot be set.
                if info.cluster.is_some() {
                    return Err(E::NOT_PERMITTED);
                }
                self.cluster[(attribute - CLUSTER_WIDTH) as usize] = natural(value)?;
            }
            LARGE_CLUSTERS => self.large_clusters = within(0..=1)? != 0,
            CLUSTER_POLICY => self.cluster_policy = within(0..=2)?,
            _ => return Err(E::INVALID_VALUE),
        }
        Ok(())
    }
}

pub(super) fn parameter(kernel: &Kernel, index: usize, offset: *mut usize, size: *mut usize) -> R {
    given(offset)?;
    let params = kernel.params.as_ref().ok_or(E::INVALID_VALUE)?;
    let param = params.get(index).ok_or(E::INVALID_VALUE)?;
    put_opt(size, param.size);
    put(offset, param.offset)
}

pub(super) fn parameter_count(kernel: &Kernel, count: *mut usize) -> R {
    put(count, kernel.params.as_ref().ok_or(E::INVALID_VALUE)?.len())
}

pub fn get_attribute(call: &Call, out: *mut c_int, attribute: c_uint, function: CUfunction) -> R {
    given(out)?;
    call.ctx()?;
    let function = any(call, function)?;
    let value = locked(&function.settings).attribute(&function.info, attribute)?;
    put(out, value)
}

pub fn set_attribute(call: &Call, function: CUfunction, attribute: c_uint, value: c_int) -> R {
    let ctx = call.ctx()?;
    let function = any(call, function)?;
    locked(&function.settings).set_attribute(&function.info, ctx.device, attribute, value)
}

/// A function, or a kernel's function in the current context.
fn any(call: &Call, function: CUfunction) -> Result<std::sync::Arc<Function>, E> {
    match library::kernel(function as usize) {
        Some(kernel) => kernel.function(&call.ctx()?),
        None => live(function as usize),
    }
}

/// None of the four preferences changes anything here.
pub fn set_cache_config(call: &Call, function: CUfunction, config: c_uint) -> R {
    any(call, function)?;
    if config <= 3 { Ok(()) } else { Err(E::INVALID_VALUE) }
}

pub fn set_shared_config(call: &Call, function: CUfunction, config: c_uint) -> R {
    any(call, function)?;
    if config <= 2 { Ok(()) } else { Err(E::INVALID_VALUE) }
}

pub fn name(call: &Call, out: *mut *const c_char, function: CUfunction) -> R {
    given(out)?;
    put(out, any(call, function)?.info.name.as_ptr())
}

pub fn module(call: &Call, out: *mut CUmodule, function: CUfunction) -> R {
    given(out)?;
    put(out, any(call, function)?.module().ok_or(E::INVALID_HANDLE)?.handle as CUmodule)
}

pub fn param_info(
    call: &Call,
    function: CUfunction,
    index: usize,
    offset: *mut usize,
    size: *mut usize,
) -> R {
    parameter(&any(call, function)?.info, index, offset, size)
}

pub fn param_count(call: &Call, function: CUfunction, count: *mut usize) -> R {
    given(count)?;
    parameter_count(&any(call, function)?.info, count)
}

/// Everything is loaded at once here.
pub fn is_loaded(call: &Call, state: *mut c_uint, function: CUfunction) -> R {
    const LOADED: c_uint = 1;
    given(state)?;
    any(call, function)?;
    put(state, LOADED)
}

pub fn load(call: &Call, function: CUfunction) -> R {
    any(call, function).map(|_| ())
}
