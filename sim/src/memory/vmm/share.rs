//! Physical memory that goes to other processes by file descriptor.

use super::handle::{self, Physical};
use crate::api::{Call, E, R, given, put};
use crate::device;
use crate::memory::abi::{self, AllocationProp, Location};
use crate::memory::arena::Arena;
use crate::memory::block::{Block, Place};
use crate::memory::label::{self, Content, Label, file_bytes};
use cudarc::driver::sys::CUmemGenericAllocationHandle;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Shared memory this process holds, by its name on the machine: importing it again, or importing
/// one's own, must not hold it twice.
static HELD: Mutex<BTreeMap<u64, Weak<Physical>>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<u64, Weak<Physical>>> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|_, physical| physical.strong_count() > 0);
    held
}

/// New memory with a file of its own.
pub(super) fn create(place: Place, bytes: usize) -> Result<(Arc<Block>, Arc<Arena>), E> {
    let len = file_bytes(bytes).ok_or(E::OUT_OF_MEMORY)?;
    let arena = Arena::new(0, len)?;
    let block = Block::shared(arena.clone(), place, bytes)?;
    Label { content: Content::Block, place, bytes, id: block.id }.write(&arena)?;
    Ok((block, arena))
}

pub fn export(
    _: &Call,
    out: *mut c_void,
    handle: CUmemGenericAllocationHandle,
    kind: c_uint,
    flags: u64,
) -> R {
    given(out)?;
    let physical = handle::named(handle)?;
    match &physical.arena {
        Some(arena) if kind == abi::POSIX_FD && flags == 0 => {
            held().insert(physical.block.id, Arc::downgrade(&physical));
            put(out.cast::<c_int>(), label::hand_out(arena)?)
        }
        _ => Err(E::INVALID_VALUE),
    }
}

/// The descriptor itself stands in for a pointer to it.
pub fn import(
    _: &Call,
    out: *mut CUmemGenericAllocationHandle,
    handle: *mut c_void,
    kind: c_uint,
) -> R {
    given(out)?;
    match kind {
        abi::POSIX_FD => {}
        2 | 4 | 8 => return Err(E::NOT_SUPPORTED),
        _ => return Err(E::INVALID_VALUE),
    }
    let file = label::adopt(handle as usize as c_int)?;
    let label = Label::read(&file, Content::Block)?;
    let mut held = held();
    if let Some(physical) = held.get(&label.id).and_then(Weak::upgrade) {
        return put(out, physical.give());
    }
    let len = file_bytes(label.bytes).ok_or(E::INVALID_VALUE)?;
    let arena = Arena::adopt(file, 0, len)?;
    let block = Block::held(arena.clone(), label.place, label.bytes, label.id)?;
    let physical = Physical::new(block, props(label.place)?, Some(arena));
    held.insert(label.id, Arc::downgrade(&physical));
    put(out, physical.give())
}

fn props(place: Place) -> Result<AllocationProp, E> {
    let location = match place {
        Place::Host => Location { kind: abi::HOST, id: 0 },
        Place::Card(card) => {
            let known = device::visible().iter().find(|device| device.number == card);
            Location { kind: abi::DEVICE, id: known.ok_or(E::INVALID_DEVICE)?.ordinal }
        }
    };
    Ok(AllocationProp {
        kind: abi::PINNED,
        handle_types: abi::POSIX_FD,
        location,
        win32: 0,
        compression: 0,
        rdma: 0,
        usage: 0,
        reserved: [0; 4],
    })
}
