//! Device memory the classic way: allocated at once, freed at once.

use super::range::{self, Backing, Kind, Owner, Range};
use super::{grain, graph_mem, order, pool};
use crate::api::{Call, E, R, given, put, put_opt};
use crate::context::Context;
use crate::done::{Done, cut, did_bytes};
use crate::machine;
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::c_uint;
use std::sync::Arc;

pub fn alloc(call: &Call, out: *mut CUdeviceptr, bytes: usize) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    put(out, plain(&ctx, bytes)?)?;
    did_bytes(Done::Linear, cut(bytes));
    Ok(())
}

/// `bytes` of the context's device.
fn plain(ctx: &Context, bytes: usize) -> Result<CUdeviceptr, E> {
    if bytes == 0 {
        return Err(E::INVALID_VALUE);
    }
    Ok(make(ctx, bytes, Kind::Plain)?.base as CUdeviceptr)
}

fn make(ctx: &Context, bytes: usize, kind: Kind) -> Result<Arc<Range>, E> {
    let piece = ctx.memory.allocate(ctx.device.number, bytes)?;
    let base = piece.address;
    let range = Range::new(base, bytes, kind, Owner::of(ctx), Backing::Piece(piece));
    Ok(range::insert(range))
}

/// Memory for a variable of a module, which the module frees.
pub fn module_global(ctx: &Context, bytes: usize) -> Result<u64, E> {
    Ok(make(ctx, bytes.max(1), Kind::Global)?.base as u64)
}

pub fn module_global_free(address: u64) {
    range::remove(address as usize, |range| matches!(range.kind, Kind::Global));
}

pub fn alloc_pitch(
    call: &Call,
    out: *mut CUdeviceptr,
    pitch_out: *mut usize,
    width: usize,
    height: usize,
    element: c_uint,
) -> R {
    given(out)?;
    given(pitch_out)?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    if width == 0 || height == 0 || !matches!(element, 4 | 8 | 16) {
        return Err(E::INVALID_VALUE);
    }
    let pitch = width.checked_next_multiple_of(grain::PITCH).ok_or(E::OUT_OF_MEMORY)?;
    let bytes = pitch.checked_mul(height).ok_or(E::OUT_OF_MEMORY)?;
    put(out, plain(&ctx, bytes)?)?;
    did_bytes(Done::Linear, cut(bytes));
    put(pitch_out, pitch)
}

/// Takes back what any of the allocating calls gave, stream-ordered ones included.
pub fn free(call: &Call, address: CUdeviceptr) -> R {
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    let base = address as usize;
    let known = range::find(base).filter(|range| range.base == base && freeable(range));
    known.ok_or(E::INVALID_VALUE)?;
    // Work in flight may use it: the device is waited for, as the driver does.
    order::synchronize(&ctx)?;
    if graph_mem::live(address) {
        graph_mem::idle(address);
        return Ok(());
    }
    // A graph's that is not live any more was being freed in a stream's turn: the address stays the graph's.
    let range = range::remove(base, goes_when_freed).ok_or(E::INVALID_VALUE)?;
    match &range.kind {
        Kind::Pool(pool) => {
            did_bytes(Done::PoolFreed, range.len.next_multiple_of(grain::ADDRESS));
            pool::give_back_now(pool, &range);
        }
        Kind::Managed(_) => did_bytes(Done::ManagedFreed, cut(range.len)),
        Kind::Plain => did_bytes(Done::LinearFreed, cut(range.len)),
        _ => {}
    }
    Ok(())
}

fn freeable(range: &Range) -> bool {
    let of_graph = matches!(range.kind, Kind::Graph);
    goes_when_freed(range) || of_graph && graph_mem::is_freeable(range.base as CUdeviceptr)
}

fn goes_when_freed(range: &Range) -> bool {
    matches!(range.kind, Kind::Plain | Kind::Managed(_) | Kind::Pool(_) | Kind::External)
}

pub fn info(call: &Call, free: *mut usize, total: *mut usize) -> R {
    given(free)?;
    given(total)?;
    let card = call.ctx()?.device.number;
    let machine = machine::current();
    put(free, machine.free(card) as usize)?;
    put(total, machine.total(card) as usize)
}

/// Either answer may be left out.
pub fn address_range(
    call: &Call,
    base: *mut CUdeviceptr,
    bytes: *mut usize,
    address: CUdeviceptr,
) -> R {
    call.ctx()?;
    let range = range::find(address as usize).ok_or(E::NOT_FOUND)?;
    let known = !matches!(range.kind, Kind::Pinned(_) | Kind::Registered);
    if !known {
        return Err(E::NOT_FOUND);
    }
    put_opt(base, range.base as CUdeviceptr);
    put_opt(bytes, range.len);
    Ok(())
}
