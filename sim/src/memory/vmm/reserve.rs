//! Addresses without memory.

use super::is_granular;
use super::map::CHANGE;
use crate::api::{Call, E, R, given, put};
use crate::memory::window::{self, Va};
use crate::memory::{grain, range};
use cudarc::driver::sys::CUdeviceptr;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

static RESERVED: Mutex<BTreeMap<usize, Arc<Va>>> = Mutex::new(BTreeMap::new());

fn reserved() -> MutexGuard<'static, BTreeMap<usize, Arc<Va>>> {
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A wished address is given if it is free, else another one is.
pub fn reserve(
    _: &Call,
    out: *mut CUdeviceptr,
    bytes: usize,
    align: usize,
    wish: CUdeviceptr,
    flags: u64,
) -> R {
    given(out)?;
    let align = align.max(grain::PAGE);
    if bytes == 0 || !is_granular(bytes) || !align.is_power_of_two() || flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let wish = wish as usize;
    let wished = (wish != 0 && wish.is_multiple_of(align)).then(|| window::take_at(wish, bytes));
    let va = match wished.flatten() {
        Some(va) => va,
        None => window::take(bytes, align)?,
    };
    let base = va.base;
    reserved().insert(base, Arc::new(va));
    put(out, base as CUdeviceptr)
}

/// A whole reservation, with nothing mapped in it.
pub fn free(_: &Call, address: CUdeviceptr, bytes: usize) -> R {
    let base = address as usize;
    let _change = CHANGE.lock();
    let mut reserved = reserved();
    let va = reserved.get(&base).filter(|va| va.len == bytes).ok_or(E::INVALID_VALUE)?;
    if !range::between(base, base + va.len).is_empty() {
        return Err(E::INVALID_VALUE);
    }
    reserved.remove(&base);
    Ok(())
}

/// The reservation that a stretch lies in.
pub(super) fn around(base: usize, len: usize) -> Option<Arc<Va>> {
    let reserved = reserved();
    let (_, va) = reserved.range(..=base).next_back()?;
    let inside = base.checked_add(len)? <= va.base + va.len;
    inside.then(|| va.clone())
}
