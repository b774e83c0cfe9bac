//! Allocating from pools and freeing to them, in a stream's turn.

use super::{Origin, Pool, current_of, give_back_now, named};
use crate::api::{Call, E, R, given, put};
use crate::done::{Done, cut, did_bytes};
use crate::memory::abi::MANAGED;
use crate::memory::block::Place;
use crate::memory::host::Pages;
use crate::memory::range::{self, Backing, Kind, Owner, Range};
use crate::memory::{grain, graph_mem, order};
use crate::work::Stream;
use cudarc::driver::sys::{CUdeviceptr, CUmemoryPool, CUstream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// From the current pool of the stream's device.
pub fn alloc(call: &Call, out: *mut CUdeviceptr, bytes: usize, stream: CUstream) -> R {
    given(out)?;
    let stream = order::stream(call, &call.ctx()?, stream)?;
    allocate(out, bytes, current_of(stream.ctx.device)?, stream)
}

pub fn alloc_from(
    call: &Call,
    out: *mut CUdeviceptr,
    bytes: usize,
    pool: CUmemoryPool,
    stream: CUstream,
) -> R {
    given(out)?;
    let stream = order::stream(call, &call.ctx()?, stream)?;
    allocate(out, bytes, named(pool)?, stream)
}

fn allocate(out: *mut CUdeviceptr, bytes: usize, pool: Arc<Pool>, stream: Arc<Stream>) -> R {
    if bytes == 0 || matches!(pool.origin, Origin::Imported { .. }) {
        return Err(E::INVALID_VALUE);
    }
    if let Some(captured) = order::capture_alloc(&stream, pool.device, bytes) {
        return put(out, captured?);
    }
    let owner = Owner::device(pool.device);
    let (base, backing) = if pool.place == Place::Host || pool.props.kind == MANAGED {
        let pages = Pages::new(bytes)?;
        pool.state().count(bytes);
        (pages.base, Backing::Host { _pages: Some(pages) })
    } else {
        let cut = pool.take(bytes, stream.id)?;
        let (block, offset) = (cut.block, cut.offset);
        (cut.address, Backing::Block { block, offset, _va: Some(cut.va) })
    };
    range::insert(Range::new(base, bytes, Kind::Pool(pool), owner, backing));
    did_bytes(Done::Pool, bytes.next_multiple_of(grain::ADDRESS));
    put(out, base as CUdeviceptr)
}

/// Takes memory of the classic calls and of graphs too.
pub fn free(call: &Call, address: CUdeviceptr, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    let stream = order::stream(call, &ctx, stream)?;
    let base = address as usize;
    let range = range::find(base).filter(|range| range.base == base).ok_or(E::INVALID_VALUE)?;
    if let Some(captured) = order::capture_free(&stream, address) {
        return captured;
    }
    match &range.kind {
        Kind::Graph if graph_mem::is_freeable(address) => {
            order::run_on(&stream, move || graph_mem::idle(address))
        }
        Kind::Pool(pool) => {
            let pool = pool.clone();
            taken(base)?;
            did_bytes(Done::PoolFreed, range.len.next_multiple_of(grain::ADDRESS));
            if matches!(range.backing, Backing::Block { .. }) && !pool.is_imported() {
                let happened = pool.state().give_later(base, range.len, stream.id);
                // A pool that is destroyed meanwhile has its memory until then.
                return order::run_on(&stream, move || {
                    happened.store(true, Ordering::Release);
                    drop(pool);
                });
            }
            give_back_now(&pool, &range);
            order::run_on(&stream, move || drop(range))
        }
        Kind::Plain => {
            taken(base)?;
            did_bytes(Done::LinearFreed, cut(range.len));
            order::run_on(&stream, move || drop(range))
        }
        _ => Err(E::INVALID_VALUE),
    }
}

/// Of two callers that free the same address, one gets it.
fn taken(base: usize) -> R {
    let async_freeable = |range: &Range| matches!(range.kind, Kind::Pool(_) | Kind::Plain);
    range::remove(base, async_freeable).map(drop).ok_or(E::INVALID_VALUE)
}

impl Pool {
    pub(super) fn is_imported(&self) -> bool {
        matches!(self.origin, Origin::Imported { .. })
    }
}
