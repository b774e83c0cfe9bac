//! Device memory of one context, cut to the size that was asked for.

use super::block::{Block, Place};
use super::extents::Extents;
use super::window::{self, Va};
use super::{Space, grain};
use crate::api::E;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Physical memory with an address.
pub struct Piece {
    pub address: usize,
    len: usize,
    home: Home,
}

enum Home {
    Alone {
        block: Arc<Block>,
        _va: Va,
    },
    Shared(Arc<Slab>),
    /// Given back.
    Gone,
}

/// A context's pages with room. A page goes under this lock, so that nobody who only looks for room
/// keeps it from going: a free that has returned has given its memory back.
pub type Slabs = Arc<Mutex<Vec<Weak<Slab>>>>;

/// A page that small requests of one context share; it goes when the last of them does.
pub struct Slab {
    block: Arc<Block>,
    va: Va,
    room: Mutex<Extents>,
    others: Slabs,
}

impl Space {
    /// Memory of a card for this context: a stretch of a shared page if it is small.
    pub fn allocate(&self, card: usize, bytes: usize) -> Result<Piece, E> {
        if bytes > grain::SMALL {
            let len = grain::pages(bytes).ok_or(E::OUT_OF_MEMORY)?;
            let block = Block::new(Place::Card(card), len)?;
            let va = window::take(len, grain::PAGE)?;
            return Ok(Piece { address: va.base, len, home: Home::Alone { block, _va: va } });
        }
        let len = bytes.next_multiple_of(grain::ADDRESS);
        let mut slabs = self.slabs.lock().unwrap_or_else(PoisonError::into_inner);
        slabs.retain(|slab| slab.strong_count() > 0);
        let found = slabs.iter().rev().filter_map(Weak::upgrade).find_map(|slab| slab.cut(len));
        if let Some(piece) = found {
            return Ok(piece);
        }
        let slab = Slab::new(card, self.slabs.clone())?;
        slabs.push(Arc::downgrade(&slab));
        slab.cut(len).ok_or(E::OUT_OF_MEMORY)
    }
}

impl Slab {
    fn new(card: usize, others: Slabs) -> Result<Arc<Slab>, E> {
        let block = Block::new(Place::Card(card), grain::PAGE)?;
        let va = window::take(grain::PAGE, grain::PAGE)?;
        let room = Mutex::new(Extents::new(0, grain::PAGE));
        Ok(Arc::new(Slab { block, va, room, others }))
    }

    fn room(&self) -> MutexGuard<'_, Extents> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(self: Arc<Slab>, len: usize) -> Option<Piece> {
        let offset = self.room().take(len, grain::ADDRESS)?;
        Some(Piece { address: self.va.base + offset, len, home: Home::Shared(self) })
    }
}

impl Piece {
    /// The block it lies in, and where.
    pub fn block(&self) -> (&Arc<Block>, usize) {
        match &self.home {
            Home::Alone { block, .. } => (block, 0),
            Home::Shared(slab) => (&slab.block, self.address - slab.va.base),
            Home::Gone => unreachable!("only while it is dropped"),
        }
    }

    /// Addresses of everything that lies in the same block.
    pub fn mapping(&self) -> (usize, usize) {
        match &self.home {
            Home::Alone { block, .. } => (self.address, block.bytes),
            Home::Shared(slab) => (slab.va.base, slab.va.len),
            Home::Gone => unreachable!("only while it is dropped"),
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Home::Shared(slab) = std::mem::replace(&mut self.home, Home::Gone) {
            let others = slab.others.clone();
            let _here = others.lock().unwrap_or_else(PoisonError::into_inner);
            slab.room().give(self.address - slab.va.base, self.len);
            drop(slab);
        }
    }
}
