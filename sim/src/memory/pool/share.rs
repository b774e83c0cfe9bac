//! Pools and their allocations in other processes.

use super::{Origin, create, named};
use crate::api::{Call, E, R, given, put, take};
use crate::memory::abi::POSIX_FD;
use crate::memory::arena::Arena;
use crate::memory::block::Block;
use crate::memory::grain;
use crate::memory::label::{self, Content, Label, file_bytes};
use crate::memory::range::{self, Backing, Kind, Owner, Range};
use crate::memory::window;
use cudarc::driver::sys::{CUdeviceptr, CUmemPoolPtrExportData, CUmemoryPool};
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;

/// What the exported pointer's opaque bytes hold.
#[repr(C)]
#[derive(Clone, Copy)]
struct Exported {
    magic: u64,
    pool: u64,
    offset: u64,
    bytes: u64,
    reserved: [u64; 4],
}

const _: () = assert!(size_of::<Exported>() == size_of::<CUmemPoolPtrExportData>());
/// "cuotaptr", little-endian.
const MAGIC: u64 = 0x7274_7061_746f_7563;

pub fn export_pool(_: &Call, out: *mut c_void, pool: CUmemoryPool, kind: c_uint, flags: u64) -> R {
    given(out)?;
    let pool = named(pool)?;
    match &pool.origin {
        Origin::Shared { arena, .. } if kind == POSIX_FD && flags == 0 => {
            put(out.cast::<c_int>(), label::hand_out(arena)?)
        }
        _ => Err(E::INVALID_VALUE),
    }
}

/// The descriptor itself stands in for a pointer to it.
pub fn import_pool(
    _: &Call,
    out: *mut CUmemoryPool,
    handle: *mut c_void,
    kind: c_uint,
    flags: u64,
) -> R {
    given(out)?;
    if kind != POSIX_FD || flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let file = label::adopt(handle as usize as c_int)?;
    let label = Label::read(&file, Content::Pool)?;
    let len = file_bytes(label.bytes).ok_or(E::INVALID_VALUE)?;
    put(out, create::imported(label, Arena::adopt(file, 0, len)?)?.raw())
}

pub fn export_pointer(_: &Call, out: *mut CUmemPoolPtrExportData, address: CUdeviceptr) -> R {
    given(out)?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    let (Kind::Pool(pool), Backing::Block { block, offset, .. }) = (&range.kind, &range.backing)
    else {
        return Err(E::INVALID_VALUE);
    };
    let Origin::Shared { id, .. } = &pool.origin else {
        return Err(E::INVALID_VALUE);
    };
    let (_, start) = block.source();
    let exported = Exported {
        magic: MAGIC,
        pool: *id,
        offset: (start + offset) as u64,
        bytes: range.len as u64,
        reserved: [0; 4],
    };
    put(out.cast::<Exported>(), exported)
}

pub fn import_pointer(
    _: &Call,
    out: *mut CUdeviceptr,
    pool: CUmemoryPool,
    data: *mut CUmemPoolPtrExportData,
) -> R {
    given(out)?;
    let pool = named(pool)?;
    let exported = take(data.cast::<Exported>())?;
    let Origin::Imported { arena, id } = &pool.origin else {
        return Err(E::INVALID_VALUE);
    };
    let (offset, bytes) = (exported.offset as usize, exported.bytes as usize);
    if exported.magic != MAGIC || exported.pool != *id || !arena.holds(offset, bytes) {
        return Err(E::INVALID_VALUE);
    }
    let len = bytes.next_multiple_of(grain::ADDRESS);
    let va = Arc::new(window::take(len, grain::ADDRESS)?);
    let base = va.base;
    let block = Block::foreign(arena.clone(), offset, bytes, pool.place);
    let backing = Backing::Block { block, offset: 0, _va: Some(va) };
    let owner = Owner::device(pool.device);
    range::insert(Range::new(base, bytes, Kind::Pool(pool), owner, backing));
    put(out, base as CUdeviceptr)
}
