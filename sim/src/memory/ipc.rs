//! Classic IPC: an allocation of one process, opened in another.

use super::arena::Arena;
use super::block::{Block, Place};
use super::range::{self, Backing, Kind, Owner, Range};
use super::{grain, window};
use crate::api::{Call, E, R, given, put};
use crate::device;
use cudarc::driver::sys::{CUdeviceptr, CUipcMemHandle};
use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the handle's opaque bytes hold: where to find the memory, and what it is.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Ticket {
    magic: u32,
    card: u32,
    pid: u32,
    fd: i32,
    /// The exporter's allocation, by its machine-wide block and its own range.
    block: u64,
    range: u64,
    /// Place of the block in the exporter's file, and of the allocation in the block.
    start: u64,
    len: u64,
    within: u64,
    bytes: u64,
}

const _: () = assert!(size_of::<Ticket>() == size_of::<CUipcMemHandle>());
/// "cuip", little-endian.
const MAGIC: u32 = 0x7069_7563;
const LAZY_PEER_ACCESS: u32 = 1;

/// Opened allocations, by space and exporter's block and range: address and how often opened.
type Opened = BTreeMap<(u64, u64, u64), (usize, u32)>;
static OPENED: Mutex<Opened> = Mutex::new(BTreeMap::new());

fn opened() -> MutexGuard<'static, Opened> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn get(call: &Call, out: *mut CUipcMemHandle, address: CUdeviceptr) -> R {
    given(out)?;
    call.ctx()?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    let (Kind::Plain, Backing::Piece(piece)) = (&range.kind, &range.backing) else {
        return Err(E::INVALID_VALUE);
    };
    let (block, within) = piece.block();
    let (file, start) = block.source();
    let Place::Card(card) = block.place else {
        return Err(E::INVALID_VALUE);
    };
    let ticket = Ticket {
        magic: MAGIC,
        card: card as u32,
        pid: std::process::id(),
        fd: file.as_raw_fd(),
        block: block.id,
        range: range.id,
        start: start as u64,
        len: block.bytes as u64,
        within: within as u64,
        bytes: range.len as u64,
    };
    put(out.cast::<Ticket>(), ticket)
}

/// Opening once more gives the same address, which then has to be closed once more.
pub fn open(call: &Call, out: *mut CUdeviceptr, handle: CUipcMemHandle, flags: c_uint) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    // SAFETY: both are 64 plain bytes.
    let ticket = unsafe { std::mem::transmute::<CUipcMemHandle, Ticket>(handle) };
    if ticket.magic != MAGIC || flags != LAZY_PEER_ACCESS {
        return Err(E::INVALID_VALUE);
    }
    if ticket.pid == std::process::id() {
        return Err(E::INVALID_CONTEXT);
    }
    let key = (ctx.memory.id, ticket.block, ticket.range);
    let mut opened = opened();
    if let Some((base, times)) = opened.get_mut(&key) {
        *times += 1;
        return put(out, *base as CUdeviceptr);
    }
    let base = map(&ticket, Owner::of(&ctx))?;
    opened.insert(key, (base, 1));
    put(out, base as CUdeviceptr)
}

/// Through the exporter's descriptor, while it lives.
fn map(ticket: &Ticket, owner: Owner) -> Result<usize, E> {
    let card = ticket.card as usize;
    device::visible().iter().find(|device| device.number == card).ok_or(E::INVALID_DEVICE)?;
    let path = format!("/proc/{}/fd/{}", ticket.pid, ticket.fd);
    let file = OpenOptions::new().read(true).write(true).open(path).or(Err(E::MAP_FAILED))?;
    let (len, within) = (ticket.len as usize, ticket.within as usize);
    let there = file.metadata().or(Err(E::MAP_FAILED))?.len();
    let fits =
        |from: u64, len: u64, room: u64| from.checked_add(len).is_some_and(|end| end <= room);
    if !fits(ticket.start, ticket.len, there) || !fits(ticket.within, ticket.bytes, ticket.len) {
        return Err(E::INVALID_VALUE);
    }
    let arena = Arena::adopt(file, ticket.start as usize, len)?;
    let block = Block::foreign(arena, 0, len, Place::Card(card));
    let va = Arc::new(window::take(len, grain::PAGE)?);
    let base = va.base + within;
    let backing = Backing::Block { block, offset: within, _va: Some(va) };
    range::insert(Range::new(base, ticket.bytes as usize, Kind::Ipc, owner, backing));
    Ok(base)
}

pub fn close(call: &Call, address: CUdeviceptr) -> R {
    call.ctx()?;
    let base = address as usize;
    let mut opened = opened();
    let found = opened.iter_mut().find(|(_, (known, _))| *known == base);
    let (key, (_, times)) = found.ok_or(E::INVALID_VALUE)?;
    *times -= 1;
    if *times == 0 {
        let key = *key;
        opened.remove(&key);
        range::remove(base, |range| matches!(range.kind, Kind::Ipc));
    }
    Ok(())
}

/// What a context opened ends with it.
pub fn destroy_of(space: u64) {
    opened().retain(|(owner, ..), _| *owner != space);
}
