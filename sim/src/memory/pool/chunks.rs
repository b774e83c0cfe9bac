//! What a pool holds of its device, and how it cuts allocations out of that.

use super::{Origin, Pool};
use crate::api::E;
use crate::done;
use crate::memory::block::{Block, Place};
use crate::memory::extents::Extents;
use crate::memory::grain;
use crate::memory::window::{self, Va};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct State {
    chunks: Vec<Chunk>,
    freed: Vec<Freed>,
    pub reserved: Level,
    pub used: Level,
    /// Bytes kept when the device was waited for.
    pub threshold: u64,
    /// Which reuse is allowed: following events, of completed frees, with new dependencies.
    pub reuse: [bool; 3],
    /// Devices given access, besides the pool's own.
    pub access: Vec<(i32, u32)>,
    /// Whose memory it hands out, if a card's, and how much the simulator's account has of it as idle.
    card: Option<usize>,
    idle: usize,
}

/// A figure and the highest it has been since it was reset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Level {
    pub now: usize,
    pub high: usize,
}

struct Chunk {
    block: Arc<Block>,
    va: Arc<Va>,
    free: Extents,
}

/// Freed in a stream's order: that stream may use it again, others once the free has happened.
struct Freed {
    address: usize,
    len: usize,
    stream: u64,
    happened: Arc<AtomicBool>,
}

/// A part of a chunk.
pub struct Cut {
    pub address: usize,
    pub block: Arc<Block>,
    pub offset: usize,
    pub va: Arc<Va>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.note(0);
    }
}

impl State {
    pub fn on(place: Place) -> State {
        let card = if let Place::Card(card) = place { Some(card) } else { None };
        State {
            chunks: Vec::new(),
            freed: Vec::new(),
            reserved: Level::default(),
            used: Level::default(),
            threshold: 0,
            reuse: [true; 3],
            access: Vec::new(),
            card,
            idle: 0,
        }
    }

    fn note_idle(&mut self) {
        self.note(self.reserved.now.saturating_sub(self.used.now));
    }

    fn note(&mut self, idle: usize) {
        let before = std::mem::replace(&mut self.idle, idle);
        if let Some(card) = self.card {
            done::idle(card, before, idle);
        }
    }
}

impl Level {
    pub fn add(&mut self, bytes: usize) {
        self.now += bytes;
        self.high = self.high.max(self.now);
    }

    pub fn sub(&mut self, bytes: usize) {
        self.now = self.now.saturating_sub(bytes);
    }
}

fn rounded(bytes: usize) -> Result<usize, E> {
    bytes.checked_next_multiple_of(grain::ADDRESS).ok_or(E::OUT_OF_MEMORY)
}

impl Pool {
    /// Memory for an allocation in this stream's order, growing the pool if it must.
    pub(super) fn take(&self, bytes: usize, stream: u64) -> Result<Cut, E> {
        let len = rounded(bytes)?;
        let mut state = self.state();
        state.settle();
        let cut = match state.reuse(len, stream).or_else(|| state.cut(len)) {
            Some(cut) => cut,
            None => {
                self.grow(&mut state, len)?;
                state.cut(len).ok_or(E::OUT_OF_MEMORY)?
            }
        };
        state.used.add(len);
        state.note_idle();
        Ok(cut)
    }

    /// By the pool's own step; on a card too full for that, by what is needed.
    fn grow(&self, state: &mut State, len: usize) -> Result<(), E> {
        let step = len.checked_next_multiple_of(grain::POOL).ok_or(E::OUT_OF_MEMORY)?;
        let pages = grain::pages(len).ok_or(E::OUT_OF_MEMORY)?;
        let chunk = self.chunk(state, step).or_else(|_| {
            state.trim(0);
            self.chunk(state, step).or_else(|_| self.chunk(state, pages))
        })?;
        state.reserved.add(chunk.block.bytes);
        state.chunks.push(chunk);
        Ok(())
    }

    fn chunk(&self, state: &State, len: usize) -> Result<Chunk, E> {
        let limit = self.props.max_size;
        if limit != 0 && state.reserved.now + len > limit.next_multiple_of(grain::PAGE) {
            return Err(E::OUT_OF_MEMORY);
        }
        let block = match &self.origin {
            Origin::Default | Origin::Own => Block::new(self.place, len)?,
            Origin::Shared { arena, .. } => Block::of(arena.clone(), self.place, len)?,
            Origin::Imported { .. } => return Err(E::INVALID_VALUE),
        };
        let va = Arc::new(window::take(len, grain::PAGE)?);
        Ok(Chunk { block, va, free: Extents::new(0, len) })
    }
}

impl State {
    /// An allocation with memory of its own, as those of the host have.
    pub fn count(&mut self, bytes: usize) {
        self.used.add(bytes);
        self.reserved.add(bytes);
    }

    pub fn discount(&mut self, bytes: usize) {
        self.used.sub(bytes);
        self.reserved.sub(bytes);
    }

    /// Freed at an address, to be used again at once.
    pub fn give(&mut self, address: usize, bytes: usize) {
        let Ok(len) = rounded(bytes) else { return };
        self.used.sub(len);
        self.put_back(address, len);
        self.note_idle();
    }

    /// Freed in a stream's order; the flag is raised when the stream gets there.
    pub fn give_later(&mut self, address: usize, bytes: usize, stream: u64) -> Arc<AtomicBool> {
        let happened = Arc::new(AtomicBool::new(false));
        if let Ok(len) = rounded(bytes) {
            self.used.sub(len);
            self.note_idle();
            self.freed.push(Freed { address, len, stream, happened: happened.clone() });
        }
        happened
    }

    /// Gives idle chunks back to the card, but keeps so many bytes.
    pub fn trim(&mut self, keep: usize) {
        self.settle();
        let reserved = &mut self.reserved;
        self.chunks.retain(|chunk| {
            let len = chunk.block.bytes;
            // Whoever is in the middle of giving back a part of it has the memory until then.
            let idle = chunk.free.sum() == len && Arc::strong_count(&chunk.block) == 1;
            let goes = idle && reserved.now - len >= keep;
            if goes {
                reserved.sub(len);
            }
            !goes
        });
        self.note_idle();
    }

    /// Frees that have happened are anybody's.
    fn settle(&mut self) {
        let (settled, waiting) = std::mem::take(&mut self.freed)
            .into_iter()
            .partition::<Vec<_>, _>(|freed| freed.happened.load(Ordering::Acquire));
        self.freed = waiting;
        for freed in settled {
            self.put_back(freed.address, freed.len);
        }
    }

    fn put_back(&mut self, address: usize, len: usize) {
        let home = self.chunks.iter_mut().find(|chunk| chunk.holds(address));
        if let Some(chunk) = home {
            chunk.free.give(address - chunk.va.base, len);
        }
    }

    /// From what the same stream freed: stream order keeps the two users apart.
    fn reuse(&mut self, len: usize, stream: u64) -> Option<Cut> {
        let fits = |freed: &Freed| freed.stream == stream && freed.len >= len;
        let index = self.freed.iter().position(fits)?;
        let freed = &mut self.freed[index];
        let address = freed.address;
        freed.address += len;
        freed.len -= len;
        if freed.len == 0 {
            self.freed.swap_remove(index);
        }
        let chunk = self.chunks.iter().find(|chunk| chunk.holds(address))?;
        Some(chunk.at(address - chunk.va.base))
    }

    fn cut(&mut self, len: usize) -> Option<Cut> {
        self.chunks.iter_mut().find_map(|chunk| {
            let offset = chunk.free.take(len, grain::ADDRESS)?;
            Some(chunk.at(offset))
        })
    }
}

impl Chunk {
    fn holds(&self, address: usize) -> bool {
        address.wrapping_sub(self.va.base) < self.va.len
    }

    fn at(&self, offset: usize) -> Cut {
        let address = self.va.base + offset;
        Cut { address, block: self.block.clone(), offset, va: self.va.clone() }
    }
}
