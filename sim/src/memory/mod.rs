//! Memory: what programs allocate, map, copy and ask about.
//!
//! Addresses come from [`window`], bytes of cards from [`block`]; [`range`] knows which address
//! belongs to what, and [`reach`] where its bytes are.

pub mod abi;
pub mod alloc;
pub mod array;
pub mod copy;
pub mod external;
pub mod fill;
pub mod graph_mem;
pub mod host;
pub mod ipc;
pub mod managed;
pub mod pointer;
pub mod pool;
pub mod vmm;

mod arena;
mod block;
mod extents;
pub mod grain;
mod label;
mod order;
mod piece;
mod range;
mod reach;
mod window;

pub use alloc::{module_global, module_global_free};
pub use managed::attachable;
pub use pool::synchronized;

use crate::api::R;
use crate::context::Context;
use piece::Slabs;
use reach::{Reach, Use};
use std::sync::atomic::{AtomicU64, Ordering};

/// What one context owns of memory.
pub struct Space {
    /// Differs for every space of the process.
    pub id: u64,
    /// Pages its small allocations share.
    slabs: Slabs,
}

impl Default for Space {
    fn default() -> Space {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Space { id: NEXT.fetch_add(1, Ordering::Relaxed), slabs: Slabs::default() }
    }
}

impl Space {
    /// Everything goes back to the card: the context is destroyed or reset.
    pub fn destroy(&self, _: &Context) {
        array::destroy_of(self.id);
        external::destroy_of(self.id);
        ipc::destroy_of(self.id);
        range::remove_where(|range| range.owner.space == self.id);
    }
}

/// Reads bytes of any memory the driver knows.
pub fn read(address: u64, to: &mut [u8]) -> R {
    let reach = Reach::of_device(address as usize, to.len(), Use::Read)?;
    reach.each(0, to.len(), |offset, at, len| {
        let part = &mut to[offset..offset + len];
        // SAFETY: `len` bytes that the reach keeps alive, and that do not overlap a Rust buffer.
        unsafe { std::ptr::copy_nonoverlapping(at as *const u8, part.as_mut_ptr(), len) };
    })
}

/// Writes bytes of any memory the driver knows.
pub fn write(address: u64, from: &[u8]) -> R {
    let reach = Reach::of_device(address as usize, from.len(), Use::Write)?;
    reach.each(0, from.len(), |offset, at, len| {
        let part = &from[offset..offset + len];
        // SAFETY: as for reading.
        unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), at as *mut u8, len) };
    })
}
