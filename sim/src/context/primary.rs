//! The one context per device that all libraries of a process share, counted by its users.

use std::ffi::{c_int, c_uint};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use cudarc::driver::sys::{CUcontext, CUdevice};

use super::settings::checked_flags;
use super::{CONTEXTS, Context, Kind};
use crate::api::{Call, E, R, given, put};
use crate::device::{self, Device};
use crate::done::{Done, did};
use crate::mps;

struct Primary {
    device: &'static Device,
    /// The same through all its lives.
    handle: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    users: u32,
    flags: u32,
    /// None until retained, and after a reset.
    active: Option<Arc<Context>>,
}

static PRIMARIES: LazyLock<Vec<Primary>> = LazyLock::new(|| {
    let of = |device| Primary { device, handle: CONTEXTS.reserve(), state: Mutex::default() };
    device::visible().iter().map(of).collect()
});

impl Primary {
    fn of(device: CUdevice) -> Result<&'static Primary, E> {
        PRIMARIES.get(device::of(device)?.ordinal as usize).ok_or(E::INVALID_DEVICE)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The active context, brought to life if need be.
    fn activate(&self, state: &mut State) -> Result<Arc<Context>, E> {
        if let Some(context) = &state.active {
            return Ok(context.clone());
        }
        let sms = mps::granted(&self.device.card);
        let context = Context::make(self.device, Kind::Primary, self.handle, sms, state.flags)?;
        did(Done::ContextsMade);
        Ok(state.active.insert(context).clone())
    }

    /// Ends the active context, outside the lock: streams may still be running callbacks.
    fn deactivate(&self, mut state: MutexGuard<'_, State>) {
        let Some(context) = state.active.take() else {
            return;
        };
        CONTEXTS.remove(self.handle);
        drop(state);
        context.end();
        did(Done::ContextsGone);
    }
}

pub(super) fn is_primary(handle: usize) -> bool {
    PRIMARIES.iter().any(|primary| primary.handle == handle)
}

/// One more user of a device's primary context.
pub fn retain(device: &Device) -> Result<Arc<Context>, E> {
    let primary = Primary::of(device.ordinal)?;
    let mut state = primary.state();
    let context = primary.activate(&mut state)?;
    state.users += 1;
    Ok(context)
}

pub fn primary_retain(_: &Call, out: *mut CUcontext, on: CUdevice) -> R {
    given(out)?;
    let context = retain(device::of(on)?)?;
    put(out, context.raw())
}

pub fn primary_release(_: &Call, on: CUdevice) -> R {
    let primary = Primary::of(on)?;
    let mut state = primary.state();
    state.users = state.users.checked_sub(1).ok_or(E::INVALID_CONTEXT)?;
    if state.users == 0 {
        primary.deactivate(state);
    }
    Ok(())
}

/// Everything in it is gone; its users still have to release it.
pub fn primary_reset(_: &Call, on: CUdevice) -> R {
    let primary = Primary::of(on)?;
    primary.deactivate(primary.state());
    Ok(())
}

/// Before CUDA 11 an active context kept its flags.
pub fn primary_set_flags_v1(call: &Call, on: CUdevice, flags: c_uint) -> R {
    if Primary::of(on)?.state().active.is_some() {
        return Err(E::PRIMARY_CONTEXT_ACTIVE);
    }
    primary_set_flags(call, on, flags)
}

pub fn primary_set_flags(_: &Call, on: CUdevice, flags: c_uint) -> R {
    let primary = Primary::of(on)?;
    let flags = checked_flags(flags)?;
    let mut state = primary.state();
    state.flags = flags;
    if let Some(context) = &state.active {
        context.flags.store(flags, Ordering::Release);
    }
    Ok(())
}

pub fn primary_get_state(_: &Call, on: CUdevice, flags: *mut c_uint, active: *mut c_int) -> R {
    given(flags)?;
    given(active)?;
    let state = Primary::of(on)?.state();
    put(flags, state.flags)?;
    put(active, state.active.is_some().into())
}
