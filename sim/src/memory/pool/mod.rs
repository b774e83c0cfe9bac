//! Pools: memory allocated and freed in stream order, kept for the next allocation.

mod access;
mod attributes;
mod chunks;
mod create;
mod share;
mod stream;

pub use access::{get_access, set_access};
pub use attributes::{get_attribute, set_attribute, trim_to};
pub use create::*;
pub use share::{export_pointer, export_pool, import_pointer, import_pool};
pub use stream::{alloc, alloc_from, free};

use super::abi::PoolProps;
use super::arena::Arena;
use super::block::Place;
use super::range::{Backing, Range};
use crate::api::E;
use crate::handles::Table;
use chunks::State;
use cudarc::driver::sys::{CUdevice, CUmemoryPool};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

pub struct Pool {
    /// The value programs hold.
    pub handle: usize,
    pub props: PoolProps,
    /// The device its memory belongs to; the first one for host memory.
    device: CUdevice,
    place: Place,
    origin: Origin,
    state: Mutex<State>,
}

enum Origin {
    /// Every device has one; it cannot be destroyed.
    Default,
    Own,
    /// One whose memory other processes can open: it has a file of its own.
    Shared {
        arena: Arc<Arena>,
        id: u64,
    },
    /// Another process's; gives no new memory.
    Imported {
        arena: Arc<Arena>,
        id: u64,
    },
}

static POOLS: Table<Pool> = Table::new(40);

/// Destroyed pools too, while allocations keep them.
static ALIVE: Mutex<Vec<Weak<Pool>>> = Mutex::new(Vec::new());

fn alive() -> MutexGuard<'static, Vec<Weak<Pool>>> {
    ALIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The live pool a program means by this handle.
pub fn named(handle: CUmemoryPool) -> Result<Arc<Pool>, E> {
    POOLS.get(handle as usize).ok_or(E::INVALID_VALUE)
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn raw(&self) -> CUmemoryPool {
        self.handle as CUmemoryPool
    }
}

/// The device was waited for: pools keep no more than their threshold.
pub fn synchronized(card: usize) {
    let mut alive = alive();
    alive.retain(|pool| pool.strong_count() > 0);
    for pool in alive.iter().filter_map(Weak::upgrade) {
        if pool.place == Place::Card(card) {
            let mut state = pool.state();
            let threshold = state.threshold as usize;
            state.trim(threshold);
        }
    }
}

/// An allocation that no work uses any more goes back to its pool.
pub fn give_back_now(pool: &Pool, range: &Range) {
    match range.backing {
        Backing::Block { .. } => pool.state().give(range.base, range.len),
        _ => pool.state().discount(range.len),
    }
}
