//! Physical memory: so many bytes of a card, or of the host, until the last user is gone.

use super::arena::Arena;
use super::managed;
use crate::api::E;
use crate::machine::{self, BlockId};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Where memory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the machine's card of that number.
    Card(usize),
    Host,
}

/// Who pays for a block while it lives.
#[derive(Debug)]
enum Charge {
    Bytes {
        card: usize,
        bytes: u64,
    },
    /// A block several processes may hold.
    Shared(BlockId),
    /// The host, or another process.
    Nobody,
}

pub struct Block {
    arena: Arc<Arena>,
    offset: usize,
    pub bytes: usize,
    pub place: Place,
    /// Whether dropping the block frees its part of the arena.
    ours: bool,
    /// Differs for every block of the machine.
    pub id: u64,
    /// Dropped last: nobody may take the bytes before their contents are gone.
    _charge: Charge,
}

impl Block {
    /// New memory of this process alone.
    pub fn new(place: Place, bytes: usize) -> Result<Arc<Block>, E> {
        Block::of(Arena::ordinary()?, place, bytes)
    }

    /// New memory out of a given arena.
    pub fn of(arena: Arc<Arena>, place: Place, bytes: usize) -> Result<Arc<Block>, E> {
        let charge = Charge::take(place, bytes)?;
        let offset = arena.take(bytes)?;
        Ok(Block::made(arena, offset, bytes, place, true, charge))
    }

    /// New memory that other processes can come to hold, alone in its arena.
    pub fn shared(arena: Arc<Arena>, place: Place, bytes: usize) -> Result<Arc<Block>, E> {
        let charge = match place {
            Place::Card(card) => {
                let id = on_card(card, || machine::current().share(card, bytes as u64))?;
                Charge::Shared(id)
            }
            Place::Host => Charge::Nobody,
        };
        Ok(Block::made(arena, 0, bytes, place, false, charge))
    }

    /// Memory another process made and this one now holds too. `hold` is false when nobody holds
    /// it any more; then this process pays.
    pub fn held(arena: Arc<Arena>, place: Place, bytes: usize, id: u64) -> Result<Arc<Block>, E> {
        if let Place::Card(_) = place
            && !machine::current().hold(BlockId(id))
        {
            return Block::shared(arena, place, bytes);
        }
        let charge = match place {
            Place::Card(_) => Charge::Shared(BlockId(id)),
            Place::Host => Charge::Nobody,
        };
        Ok(Block::made(arena, 0, bytes, place, false, charge))
    }

    /// Memory somebody else pays for, from an offset of an adopted arena.
    pub fn foreign(arena: Arc<Arena>, offset: usize, bytes: usize, place: Place) -> Arc<Block> {
        Block::made(arena, offset, bytes, place, false, Charge::Nobody)
    }

    fn made(
        arena: Arc<Arena>,
        offset: usize,
        bytes: usize,
        place: Place,
        ours: bool,
        charge: Charge,
    ) -> Arc<Block> {
        let id = match charge {
            Charge::Shared(BlockId(id)) => id,
            _ => machine::current().next_id(),
        };
        Arc::new(Block { arena, offset, bytes, place, ours, id, _charge: charge })
    }

    /// Where this process sees the block's byte at an offset.
    pub fn at(&self, offset: usize) -> usize {
        self.arena.at(self.offset + offset)
    }

    /// The file and the place in it where the block begins, for another mapping of it.
    pub fn source(&self) -> (BorrowedFd<'_>, usize) {
        (self.arena.file(), self.arena.in_file(self.offset))
    }
}

impl Charge {
    fn take(place: Place, bytes: usize) -> Result<Charge, E> {
        let Place::Card(card) = place else {
            return Ok(Charge::Nobody);
        };
        let bytes = bytes as u64;
        on_card(card, || machine::current().reserve(card, bytes))?;
        Ok(Charge::Bytes { card, bytes })
    }
}

/// Asks the card, and once more after managed memory has made room.
fn on_card<T>(card: usize, ask: impl Fn() -> Result<T, machine::Full>) -> Result<T, E> {
    ask().or_else(|_| {
        managed::evict(card);
        ask().or(Err(E::OUT_OF_MEMORY))
    })
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.ours {
            self.arena.give(self.offset, self.bytes);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        match self {
            Charge::Bytes { card, bytes } => machine::current().release(*card, *bytes),
            Charge::Shared(id) => machine::current().let_go(*id),
            Charge::Nobody => {}
        }
    }
}
