//! Contexts a program makes for itself.

use std::ffi::{c_int, c_uint};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cudarc::driver::sys::{CUcontext, CUctxCreateParams, CUdevice, CUexecAffinityParam};

use super::settings::checked_flags;
use super::{CONTEXTS, Context, Kind, current, drop_current, make_current};
use crate::api::{Call, E, R, given, put, take};
use crate::done::{Done, did};
use crate::{device, mps};

pub fn create(_: &Call, out: *mut CUcontext, flags: c_uint, on: CUdevice) -> R {
    new_current(out, flags, on, None)
}

fn new_current(out: *mut CUcontext, flags: c_uint, on: CUdevice, sms: Option<u32>) -> R {
    given(out)?;
    let flags = checked_flags(flags)?;
    let device = device::of(on)?;
    let sms = match sms {
        Some(sms) => mps::exactly(&device.card, sms),
        None => mps::granted(&device.card),
    };
    let context = Context::make(device, Kind::Own, CONTEXTS.reserve(), sms, flags)?;
    put(out, context.raw())?;
    make_current(context);
    did(Done::ContextsMade);
    Ok(())
}

const AFFINITY_SM_COUNT: u32 = 0;

/// Two words, as `CUexecAffinityParam` lays them out, without trusting the first to be in range.
type Affinity = [u32; 2];
const _: () = assert!(size_of::<Affinity>() == size_of::<CUexecAffinityParam>());

/// SMs asked for by affinity parameters, which only MPS grants, and only if it is told to.
fn affinity(params: *const CUexecAffinityParam, count: c_int) -> Result<Option<u32>, E> {
    match count {
        0 => return Ok(None),
        1 => {}
        _ => return Err(E::INVALID_VALUE),
    }
    let [kind, sms] = take(params.cast::<Affinity>())?;
    if kind != AFFINITY_SM_COUNT || sms == 0 {
        return Err(E::INVALID_VALUE);
    }
    if mps::has_affinity() { Ok(Some(sms)) } else { Err(E::UNSUPPORTED_EXEC_AFFINITY) }
}

pub fn create_with_affinity(
    _: &Call,
    out: *mut CUcontext,
    params: *mut CUexecAffinityParam,
    count: c_int,
    flags: c_uint,
    on: CUdevice,
) -> R {
    given(out)?;
    new_current(out, flags, on, affinity(params, count)?)
}

/// Sharing the GPU with a graphics client is not simulated.
pub fn create_with_params(
    _: &Call,
    out: *mut CUcontext,
    params: *mut CUctxCreateParams,
    flags: c_uint,
    on: CUdevice,
) -> R {
    given(out)?;
    if params.is_null() {
        return new_current(out, flags, on, None);
    }
    let params = take(params)?;
    let wants_affinity = !params.execAffinityParams.is_null();
    if !params.cigParams.is_null() {
        return Err(if wants_affinity { E::INVALID_VALUE } else { E::NOT_SUPPORTED });
    }
    let sms = affinity(params.execAffinityParams, params.numExecAffinityParams)?;
    new_current(out, flags, on, sms)
}

pub fn destroy(_: &Call, handle: CUcontext) -> R {
    given(handle)?;
    let context = own(handle)?;
    finish(&context)
}

/// A context the program made: primary and green ones have their own ways to end.
fn own(handle: CUcontext) -> Result<Arc<Context>, E> {
    CONTEXTS
        .get(handle as usize)
        .filter(|context| context.kind == Kind::Own)
        .ok_or(E::INVALID_CONTEXT)
}

/// Answers with the sticky error, but ends the context all the same.
fn finish(context: &Arc<Context>) -> R {
    let health = context.check();
    CONTEXTS.remove(context.handle).ok_or(E::INVALID_CONTEXT)?;
    drop_current(context);
    context.end();
    did(Done::ContextsGone);
    health
}

pub fn attach(call: &Call, out: *mut CUcontext, flags: c_uint) -> R {
    given(out)?;
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let context = call.ctx()?;
    context.uses.fetch_add(1, Ordering::AcqRel);
    put(out, context.raw())
}

/// Only the current context can be detached from; the last use ends it.
pub fn detach(_: &Call, handle: CUcontext) -> R {
    let context = own(handle)?;
    if !ptr::eq(&*current()?, &*context) {
        return Err(E::INVALID_CONTEXT);
    }
    match context.uses.fetch_sub(1, Ordering::AcqRel) {
        1 => finish(&context),
        _ => Ok(()),
    }
}
