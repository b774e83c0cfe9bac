//! Managed memory: one address for host and device, pages that move to whoever needs them.
//!
//! Nothing executes on the simulated card, so its pages move when the program asks (prefetch). What
//! has moved to a card takes the card's bytes, and makes room when somebody else needs them.

mod advice;
mod prefetch;

pub use advice::{advise, advise_v2, range_attribute, range_attributes};
pub use prefetch::{
    discard_and_prefetch_batch, discard_batch, prefetch, prefetch_batch, prefetch_v2,
};

use super::abi::{self, Location};
use super::host::Pages;
use super::order;
use super::range::{self, Backing, Kind, Owner, Range};
use crate::api::{Call, E, R, given, put};
use crate::done::{Done, cut, did_bytes};
use crate::machine;
use advice::Advice;
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::c_uint;
use std::sync::{Arc, Mutex, PoisonError};

/// What is particular about one managed allocation.
#[derive(Default)]
pub struct Managed {
    advice: Mutex<Advice>,
    resident: Mutex<Option<Resident>>,
}

/// Bytes of an allocation that are on a card.
struct Resident {
    card: usize,
    bytes: u64,
}

impl Drop for Resident {
    fn drop(&mut self) {
        machine::current().release(self.card, self.bytes);
    }
}

impl Managed {
    /// Moves up to so many bytes onto a card: as many as it has room for.
    fn move_in(&self, card: usize, bytes: u64) {
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        resident.take_if(|there| there.card != card || there.bytes < bytes);
        if resident.is_some() {
            return;
        }
        let machine = machine::current();
        let fits = bytes.min(machine.free(card));
        if machine.reserve(card, fits).is_ok() {
            *resident = Some(Resident { card, bytes: fits });
        }
    }

    /// Moves everything back to the host.
    fn move_out(&self, from: Option<usize>) {
        let mut resident = self.resident.lock().unwrap_or_else(PoisonError::into_inner);
        resident.take_if(|there| from.is_none_or(|card| there.card == card));
    }
}

/// Moves this process's managed memory off a card, for an allocation that needs the room.
pub fn evict(card: usize) {
    for range in range::all(|range| matches!(range.kind, Kind::Managed(_))) {
        if let Kind::Managed(managed) = &range.kind {
            managed.move_out(Some(card));
        }
    }
}

const GLOBAL: u32 = 1;
const HOST: u32 = 2;

pub fn alloc(call: &Call, out: *mut CUdeviceptr, bytes: usize, flags: c_uint) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    if bytes == 0 || !matches!(flags, GLOBAL | HOST) {
        return Err(E::INVALID_VALUE);
    }
    let pages = Pages::new(bytes)?;
    let (base, kind) = (pages.base, Kind::Managed(Managed::default()));
    range::insert(Range::new(
        base,
        bytes,
        kind,
        Owner::of(&ctx),
        Backing::Host { _pages: Some(pages) },
    ));
    did_bytes(Done::Managed, cut(bytes));
    put(out, base as CUdeviceptr)
}

/// Whether a stream may be told that it alone uses this allocation: managed, and named whole.
pub fn attachable(address: CUdeviceptr, length: usize) -> R {
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    let managed = matches!(range.kind, Kind::Managed(_)) && range.base == address as usize;
    if managed && (length == 0 || length == range.len) { Ok(()) } else { Err(E::INVALID_VALUE) }
}

/// The managed allocations that hold `[address, address + count)`, without a gap.
fn spanned(address: CUdeviceptr, count: usize) -> Result<Vec<Arc<Range>>, E> {
    let mut at = address as usize;
    let end = at.checked_add(count).filter(|_| count > 0).ok_or(E::INVALID_VALUE)?;
    let mut found = Vec::new();
    while at < end {
        let range = range::find(at).filter(|range| matches!(range.kind, Kind::Managed(_)));
        let range = range.ok_or(E::INVALID_VALUE)?;
        at = range.end();
        found.push(range);
    }
    Ok(found)
}

/// A place managed memory can be told to go to.
fn place(location: Location) -> Result<Option<usize>, E> {
    match location.kind {
        abi::DEVICE => Ok(Some(crate::device::of(location.id)?.number)),
        abi::HOST | abi::HOST_NUMA | abi::HOST_NUMA_CURRENT => Ok(None),
        _ => Err(E::INVALID_VALUE),
    }
}

/// How calls older than locations say where: a device, or -1 for the host.
fn of_device(device: i32) -> Location {
    match device {
        -1 => Location { kind: abi::HOST, id: 0 },
        id => Location { kind: abi::DEVICE, id },
    }
}
