//! What a program may set on a context and ask of it.

use std::ffi::{c_int, c_uint};
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

use cudarc::driver::sys::CUcontext;

use super::{Context, named_or_current};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::device::SmLimits;

const SCHEDULE_MASK: c_uint = 7;
const ALL_FLAGS: c_uint = 0xff;

/// At most one way to wait, and no flag the API does not have.
pub(super) fn checked_flags(flags: c_uint) -> Result<u32, E> {
    let valid = flags & !ALL_FLAGS == 0 && matches!(flags & SCHEDULE_MASK, 0 | 1 | 2 | 4);
    if valid { Ok(flags) } else { Err(E::INVALID_VALUE) }
}

pub(super) struct Settings {
    stack_bytes: usize,
    printf_bytes: usize,
    heap_bytes: usize,
    sync_depth: usize,
    pending_launches: usize,
    l2_fetch_bytes: usize,
    persisting_l2_bytes: usize,
    cache: c_uint,
    banks: c_uint,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            stack_bytes: 1 << 10,
            printf_bytes: 1 << 20,
            heap_bytes: 8 << 20,
            sync_depth: 2,
            pending_launches: 2048,
            l2_fetch_bytes: 64,
            persisting_l2_bytes: 0,
            cache: 0,
            banks: 0,
        }
    }
}

const LIMITS: c_uint = 10;
const MOST_STACK: usize = 512 << 10;
const MOST_L2_FETCH: usize = 128;

impl Settings {
    /// The limit by the API's number; none where the card has no such thing.
    fn limit(&mut self, context: &Context, limit: c_uint) -> Result<&mut usize, E> {
        // Devices of capability 9 and up dropped synchronising within kernels.
        let nested = context.device.card.capability.0 < 9;
        match limit {
            0 => Ok(&mut self.stack_bytes),
            1 => Ok(&mut self.printf_bytes),
            2 => Ok(&mut self.heap_bytes),
            3 if nested => Ok(&mut self.sync_depth),
            4 => Ok(&mut self.pending_launches),
            5 => Ok(&mut self.l2_fetch_bytes),
            6 => Ok(&mut self.persisting_l2_bytes),
            _ if limit < LIMITS => Err(E::UNSUPPORTED_LIMIT),
            _ => Err(E::INVALID_VALUE),
        }
    }
}

/// The value a limit takes when asked for `value`.
fn granted(context: &Context, limit: c_uint, value: usize) -> Result<usize, E> {
    let most = match limit {
        0 => MOST_STACK,
        5 => MOST_L2_FETCH,
        6 => SmLimits::of(context.device.card.capability).persisting_l2_bytes(),
        _ => context.device.card.total as usize,
    };
    match limit {
        _ if value > most => Err(E::INVALID_VALUE),
        0 => Ok(value.next_multiple_of(16)),
        1 | 2 => Ok(value.next_multiple_of(1 << 16).max(1 << 16)),
        3 if value > 24 => Err(E::INVALID_VALUE),
        _ => Ok(value),
    }
}

impl Context {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn get_limit(call: &Call, out: *mut usize, limit: c_uint) -> R {
    given(out)?;
    let context = call.ctx()?;
    let value = *context.settings().limit(&context, limit)?;
    put(out, value)
}

pub fn set_limit(call: &Call, limit: c_uint, value: usize) -> R {
    let context = call.ctx()?;
    let mut settings = context.settings();
    let place = settings.limit(&context, limit)?;
    *place = granted(&context, limit, value)?;
    Ok(())
}

pub fn get_cache_config(call: &Call, out: *mut c_uint) -> R {
    given(out)?;
    let cache = call.ctx()?.settings().cache;
    put(out, cache)
}

pub fn set_cache_config(call: &Call, cache: c_uint) -> R {
    let context = call.ctx()?;
    if cache > 3 {
        return Err(E::INVALID_VALUE);
    }
    context.settings().cache = cache;
    Ok(())
}

pub fn get_bank_config(call: &Call, out: *mut c_uint) -> R {
    given(out)?;
    let banks = call.ctx()?.settings().banks;
    put(out, banks)
}

pub fn set_bank_config(call: &Call, banks: c_uint) -> R {
    let context = call.ctx()?;
    if banks > 2 {
        return Err(E::INVALID_VALUE);
    }
    context.settings().banks = banks;
    Ok(())
}

pub fn get_flags(call: &Call, out: *mut c_uint) -> R {
    given(out)?;
    put(out, call.ctx()?.flags.load(Ordering::Acquire))
}

pub fn set_flags(call: &Call, flags: c_uint) -> R {
    let context = call.ctx()?;
    context.flags.store(checked_flags(flags)?, Ordering::Release);
    Ok(())
}

pub fn get_id(_: &Call, handle: CUcontext, out: *mut u64) -> R {
    given(out)?;
    let context = named_or_current(handle)?;
    context.check()?;
    put(out, context.id)
}

pub fn get_api_version(_: &Call, handle: CUcontext, out: *mut c_uint) -> R {
    given(out)?;
    put(out, named_or_current(handle)?.api_version)
}

/// Lower numbers come first.
pub const LEAST_PRIORITY: c_int = 0;
pub const GREATEST_PRIORITY: c_int = -5;

pub fn get_priority_range(call: &Call, least: *mut c_int, greatest: *mut c_int) -> R {
    call.ctx()?;
    put_opt(least, LEAST_PRIORITY);
    put_opt(greatest, GREATEST_PRIORITY);
    Ok(())
}

pub fn reset_persisting_l2(call: &Call) -> R {
    call.ctx().map(drop)
}

/// Nothing else writes to this memory past the driver.
pub fn flush_rdma_writes(call: &Call, target: c_int, scope: c_int) -> R {
    call.ctx()?;
    match (target, scope) {
        (0, 100 | 200) => Ok(()),
        _ => Err(E::INVALID_VALUE),
    }
}

pub fn get_affinity(call: &Call, out: *mut [u32; 2], kind: c_uint) -> R {
    given(out)?;
    let context = call.ctx()?;
    if kind != 0 {
        return Err(E::INVALID_VALUE);
    }
    put(out, [kind, context.sms])
}
