//! Memory of graphs: an address for good, physical memory while the graph needs it.
//!
//! What a run gives up stays with the device's graphs, for the next run, until it is trimmed.

use super::block::{Block, Place};
use super::range::{self, Backing, Kind, Owner, Range};
use super::{grain, window};
use crate::api::{Call, E, R, given, put, take};
use crate::device::{self, Device};
use crate::work;
use cudarc::driver::sys::{CUdevice, CUdeviceptr};
use std::collections::BTreeMap;
use std::ffi::{c_uint, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

/// Physical memory under an address, and how many launches still count on it.
pub struct Held {
    pub block: Arc<Block>,
    launches: usize,
}

/// One device's graphs.
#[derive(Default)]
struct Kept {
    idle: Vec<Arc<Block>>,
    used: usize,
    used_high: usize,
    reserved: usize,
    reserved_high: usize,
}

static KEPT: Mutex<BTreeMap<CUdevice, Kept>> = Mutex::new(BTreeMap::new());

fn kept() -> MutexGuard<'static, BTreeMap<CUdevice, Kept>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An address for a node's allocation, without memory yet.
pub fn reserve(device: &Device, bytes: usize) -> Result<CUdeviceptr, E> {
    let len = grain::pages(bytes).filter(|len| *len > 0).ok_or(E::INVALID_VALUE)?;
    let va = window::take(len, grain::PAGE)?;
    let base = va.base;
    let backing = Backing::Changing { held: RwLock::new(None), _va: va };
    range::insert(Range::new(base, bytes, Kind::Graph, Owner::device(device.ordinal), backing));
    Ok(base as CUdeviceptr)
}

fn of(address: CUdeviceptr) -> Result<Arc<Range>, E> {
    let base = address as usize;
    let found = range::find(base).filter(|range| range.base == base);
    found.filter(|range| matches!(range.kind, Kind::Graph)).ok_or(E::INVALID_VALUE)
}

fn held(range: &Range) -> Result<RwLockWriteGuard<'_, Option<Held>>, E> {
    match &range.backing {
        Backing::Changing { held, .. } => Ok(held.write().unwrap_or_else(PoisonError::into_inner)),
        _ => Err(E::INVALID_VALUE),
    }
}

/// Gives the address memory for one more launch: what it has, else idle memory of earlier runs,
/// else new.
pub fn back(address: CUdeviceptr) -> R {
    let range = of(address)?;
    let len = grain::pages(range.len).ok_or(E::OUT_OF_MEMORY)?;
    let card = device::of(range.owner.device)?.number;
    let mut devices = kept();
    let mut held = held(&range)?;
    if let Some(held) = held.as_mut() {
        held.launches += 1;
        return Ok(());
    }
    let kept = devices.entry(range.owner.device).or_default();
    let block = match kept.idle.iter().position(|block| block.bytes == len) {
        Some(index) => kept.idle.swap_remove(index),
        None => kept.grow(card, len)?,
    };
    kept.used += len;
    kept.used_high = kept.used_high.max(kept.used);
    *held = Some(Held { block, launches: 1 });
    Ok(())
}

/// One launch needs the address no more; after the last its memory stays with the device's graphs.
pub fn idle(address: CUdeviceptr) {
    give_up(address, 1);
}

fn give_up(address: CUdeviceptr, launches: usize) {
    let Ok(range) = of(address) else { return };
    let mut devices = kept();
    let Ok(mut held) = held(&range) else { return };
    let Some(there) = held.as_mut() else { return };
    there.launches = there.launches.saturating_sub(launches);
    if there.launches == 0
        && let Some(Held { block, .. }) = held.take()
    {
        let kept = devices.entry(range.owner.device).or_default();
        kept.used = kept.used.saturating_sub(block.bytes);
        kept.idle.push(block);
    }
}

/// Whether the address has memory now: an allocation of a graph that ran and was not freed.
pub fn live(address: CUdeviceptr) -> bool {
    of(address).is_ok_and(|range| held(&range).is_ok_and(|held| held.is_some()))
}

/// Whether the program may free it now: a graph that frees its own allocation does that itself.
pub fn is_freeable(address: CUdeviceptr) -> bool {
    live(address) && work::graph_allocation_outlives(address)
}

/// The node is gone, and the address with it.
pub fn forget(address: CUdeviceptr) {
    give_up(address, usize::MAX);
    range::remove(address as usize, |range| matches!(range.kind, Kind::Graph));
}

impl Kept {
    fn grow(&mut self, card: usize, len: usize) -> Result<Arc<Block>, E> {
        let block = Block::new(Place::Card(card), len).or_else(|_| {
            self.trim();
            Block::new(Place::Card(card), len)
        })?;
        self.reserved += len;
        self.reserved_high = self.reserved_high.max(self.reserved);
        Ok(block)
    }

    fn trim(&mut self) {
        let idle: usize = self.idle.iter().map(|block| block.bytes).sum();
        self.idle.clear();
        self.reserved = self.reserved.saturating_sub(idle);
    }
}

pub fn trim(_: &Call, device: CUdevice) -> R {
    device::of(device)?;
    kept().entry(device).or_default().trim();
    Ok(())
}

pub fn get_attribute(_: &Call, device: CUdevice, attribute: c_uint, value: *mut c_void) -> R {
    given(value)?;
    device::of(device)?;
    let mut devices = kept();
    let kept = devices.entry(device).or_default();
    let figure = match attribute {
        0 => kept.used,
        1 => kept.used_high,
        2 => kept.reserved,
        3 => kept.reserved_high,
        _ => return Err(E::INVALID_VALUE),
    };
    put(value.cast::<u64>(), figure as u64)
}

/// High marks can be reset; nothing else can be set.
pub fn set_attribute(_: &Call, device: CUdevice, attribute: c_uint, value: *mut c_void) -> R {
    given(value)?;
    device::of(device)?;
    let mut devices = kept();
    let kept = devices.entry(device).or_default();
    let zero = take(value.cast::<u64>())? == 0;
    match attribute {
        1 if zero => kept.used_high = kept.used,
        3 if zero => kept.reserved_high = kept.reserved,
        _ => return Err(E::INVALID_VALUE),
    }
    Ok(())
}
