//! The calls about modules.

use std::env;
use std::ffi::{CStr, c_char, c_uint, c_void};
use std::fs;
use std::sync::Arc;

use cudarc::driver::sys::{CUdeviceptr, CUfunction, CUmodule};

use super::image::{self, Image};
use super::jit::Options;
use super::{MODULES, Module};
use crate::api::{Call, E, R, given, put, put_opt, text};
use crate::context::Context;
use crate::done::{Done, did};
use crate::work::capture;

pub(super) fn capability(ctx: &Context) -> u32 {
    let (major, minor) = ctx.device.card.capability;
    major * 10 + minor
}

/// Loading allocates: no safe thing during a capture.
fn load(call: &Call, out: *mut CUmodule, read: impl FnOnce(u32) -> Result<Image, E>) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    capture::unsafe_call(&ctx)?;
    let image = read(capability(&ctx))?;
    put(out, Module::load(&ctx, Arc::new(image), false)?.handle as CUmodule)?;
    did(Done::ModulesLoaded);
    Ok(())
}

pub fn load_file(call: &Call, out: *mut CUmodule, path: *const c_char) -> R {
    given(path)?;
    load(call, out, |capability| image::read_bytes(&contents(path)?, capability))
}

pub(super) fn contents(path: *const c_char) -> Result<Vec<u8>, E> {
    fs::read(text(path)?).or(Err(E::FILE_NOT_FOUND))
}

pub fn load_data(call: &Call, out: *mut CUmodule, code: *const c_void) -> R {
    given(code)?;
    // SAFETY: the API makes the caller pass a whole image.
    load(call, out, |capability| unsafe { image::read(code, capability) })
}

pub fn load_data_ex(
    call: &Call,
    out: *mut CUmodule,
    code: *const c_void,
    count: c_uint,
    keys: *mut c_uint,
    values: *mut *mut c_void,
) -> R {
    given(code)?;
    let options = Options::read(count, keys, values)?;
    let outcome = load_data(call, out, code);
    options.report(outcome);
    outcome
}

/// The module, for a program: one that is its own.
fn module(handle: CUmodule) -> Result<Arc<Module>, E> {
    MODULES.get(handle as usize).ok_or(E::INVALID_HANDLE)
}

pub fn unload(call: &Call, handle: CUmodule) -> R {
    let ctx = call.ctx()?;
    capture::unsafe_call(&ctx)?;
    if module(handle)?.of_library {
        return Err(E::NOT_PERMITTED);
    }
    let module = MODULES.remove(handle as usize).ok_or(E::INVALID_HANDLE)?;
    if let Some(home) = module.ctx.upgrade() {
        module.unload(&home);
    }
    did(Done::ModulesUnloaded);
    Ok(())
}

pub(super) fn name<'a>(name: *const c_char) -> Result<&'a CStr, E> {
    given(name)?;
    // SAFETY: not null, and the API makes the caller pass a NUL-terminated string.
    Ok(unsafe { CStr::from_ptr(name) })
}

pub fn function(call: &Call, out: *mut CUfunction, handle: CUmodule, wanted: *const c_char) -> R {
    given(out)?;
    let wanted = name(wanted)?;
    call.ctx()?;
    put(out, module(handle)?.function(wanted)?.handle as CUfunction)
}

pub fn function_count(_: &Call, count: *mut c_uint, handle: CUmodule) -> R {
    given(count)?;
    put(count, module(handle)?.image.kernels.len() as c_uint)
}

/// As many as the caller has room for.
pub fn functions(_: &Call, out: *mut CUfunction, count: c_uint, handle: CUmodule) -> R {
    given(out)?;
    let module = module(handle)?;
    for (at, kernel) in module.image.kernels.iter().take(count as usize).enumerate() {
        put(out.wrapping_add(at), module.function(&kernel.name)?.handle as CUfunction)?;
    }
    Ok(())
}

/// Either answer may be left out, but not both.
pub fn global(
    call: &Call,
    address: *mut CUdeviceptr,
    bytes: *mut usize,
    handle: CUmodule,
    wanted: *const c_char,
) -> R {
    let wanted = text(wanted)?;
    call.ctx()?;
    if address.is_null() && bytes.is_null() {
        return Err(E::INVALID_VALUE);
    }
    let (at, size, _) = module(handle)?.global(wanted).ok_or(E::NOT_FOUND)?;
    put_opt(address, at);
    put_opt(bytes, size);
    Ok(())
}

/// No code here declares texture or surface references; compilers stopped making them with CUDA 12.
pub fn reference(call: &Call, out: *mut *mut c_void, handle: CUmodule, wanted: *const c_char) -> R {
    given(out)?;
    given(wanted)?;
    call.ctx()?;
    module(handle)?;
    Err(E::NOT_FOUND)
}

pub fn loading_mode(_: &Call, mode: *mut c_uint) -> R {
    const EAGER: c_uint = 1;
    const LAZY: c_uint = 2;
    let eager = env::var("CUDA_MODULE_LOADING").is_ok_and(|mode| mode == "EAGER");
    put(mode, if eager { EAGER } else { LAZY })
}
