//! What this process does, counted in the ledger: each thread in a block of its own there.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use cuota_core::book::layout::count::{BLOCKS, OWN, SHARED};
use cuota_core::book::{Block, Count, Event, Kind as EventKind, LARGE, Memory, Seat};

use super::{Kind, Member, OnDevice, current, leaves_out};
use crate::driver::process;
use crate::log::{self, Topic};

/// Devices whose blocks a thread remembers; on others it counts in the one for all threads.
const NEAR: usize = 16;
/// Nanoseconds until room that was not there is looked for again.
const AGAIN: u64 = 1_000_000_000;

/// A thread's own. Without a destructor, so it is there for as long as the thread.
struct Mine {
    /// Where the member is whose places these are, and which incarnation of it; 0 if none. A child made
    /// by fork has all this, and nothing of what it leads to.
    member: Cell<usize>,
    seat: Cell<u64>,
    block: Cell<usize>,
    blocks: [Cell<Option<Block>>; NEAR],
    /// The function this thread launched last, and the stream.
    last: Cell<(u64, u64)>,
}

thread_local! {
    static MINE: Mine = const {
        Mine {
            member: Cell::new(0),
            seat: Cell::new(0),
            block: Cell::new(SHARED),
            blocks: [const { Cell::new(None) }; NEAR],
            last: Cell::new((0, 0)),
        }
    };
}

/// Which threads have blocks.
pub struct Counting {
    /// Our incarnation: what threads remember of another is worth nothing. And its place.
    seat: AtomicU64,
    place: AtomicUsize,
    /// A bit for each block that belongs to a thread.
    taken: AtomicU8,
}

impl Counting {
    pub fn new(seat: Seat) -> Counting {
        Counting {
            seat: AtomicU64::new(seat.id),
            place: AtomicUsize::new(seat.index),
            taken: AtomicU8::new(0),
        }
    }

    /// Our seat, without a lock.
    pub fn seat(&self) -> Seat {
        Seat { index: self.place.load(Ordering::Acquire), id: self.seat.load(Ordering::Acquire) }
    }

    /// We were taken for dead, and have another place.
    pub fn moved(&self, seat: Seat) {
        self.place.store(seat.index, Ordering::Release);
        self.seat.store(seat.id, Ordering::Release);
    }

    fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }

    /// A block for one thread; the one for all if none is left.
    fn take(&self) -> usize {
        let free = |taken: u8| (OWN..BLOCKS).map(|at| 1 << (at - OWN)).find(|bit| taken & bit == 0);
        let with = |taken| free(taken).map(|bit| taken | bit);
        // SYNC POINT: whoever takes a block sees what the last owner counted; the other end is in
        // `give`.
        let before = self.taken.fetch_update(Ordering::Acquire, Ordering::Relaxed, with);
        let bit = before.ok().and_then(free);
        bit.map_or(SHARED, |bit: u8| OWN + bit.trailing_zeros() as usize)
    }

    fn give(&self, block: usize) {
        if block >= OWN {
            self.taken.fetch_and(!(1 << (block - OWN)), Ordering::Release);
        }
    }
}

/// Another thread may have its block now. What it still counts goes where all may count.
fn at_thread_end() {
    MINE.with(|mine| {
        let block = mine.block.replace(SHARED);
        mine.blocks.iter().for_each(|near| near.set(None));
        if let Some(member) = current().filter(|it| it.counting.address() == mine.member.get()) {
            member.counting.give(block);
        }
    });
}

impl Member {
    /// Where this thread counts what it does on a device; nothing if there is no room for it.
    #[inline(always)]
    pub(super) fn block(&self, device: &OnDevice) -> Option<Block> {
        MINE.with(|mine| self.block_of(mine, device))
    }

    /// The same where a function is about to be launched; 0 if none is.
    #[inline(always)]
    pub(super) fn block_to_launch(
        &self,
        device: &OnDevice,
        function: u64,
        stream: u64,
    ) -> Option<Block> {
        MINE.with(|mine| {
            if function != 0 {
                mine.last.set((function, stream));
            }
            self.block_of(mine, device)
        })
    }

    pub fn last_launched() -> (u64, u64) {
        MINE.with(|mine| mine.last.get())
    }

    #[inline(always)]
    fn block_of(&self, mine: &Mine, device: &OnDevice) -> Option<Block> {
        let near = mine.blocks.get(device.ordinal as usize).and_then(Cell::get);
        let seat = self.counting.seat.load(Ordering::Relaxed);
        let known = mine.seat.get() == seat && mine.member.get() == self.counting.address();
        match near.filter(|_| known) {
            Some(block) => Some(block),
            None => self.first_block(mine, device),
        }
    }

    #[cold]
    fn first_block(&self, mine: &Mine, device: &OnDevice) -> Option<Block> {
        let seat = self.seat.with(|seat| *seat);
        let own = self.counting.address();
        let same_member = mine.member.replace(own) == own;
        if mine.seat.replace(seat.id) != seat.id || !same_member {
            mine.blocks.iter().for_each(|near| near.set(None));
        }
        if !same_member {
            mine.block.set(if process::before_thread_ends(at_thread_end) {
                self.counting.take()
            } else {
                SHARED
            });
        }
        let now = self.now();
        let opened = device.counted_by.with(|(opened, again)| {
            if *opened != Some(seat.id) && now >= *again {
                match self.book.open_counts(device.index, seat) {
                    true => *opened = Some(seat.id),
                    false => *again = now + AGAIN,
                }
            }
            *opened == Some(seat.id)
        });
        if !opened {
            log::warn(
                Topic::Ledger,
                format_args!(
                    "client {}: what this process does is not counted: no room for it in {}; it is as soon as the disk has some",
                    self.client,
                    self.book.path().display()
                ),
            );
            return None;
        }
        match mine.blocks.get(device.ordinal as usize) {
            Some(near) => {
                near.set(device.part.block(seat.index, mine.block.get()));
                near.get()
            }
            None => device.part.block(seat.index, SHARED),
        }
    }

    /// In another place: what may be in flight still is.
    pub(super) fn open_counts_again(&self, seat: Seat) {
        for device in self.devices() {
            if self.book.open_counts(device.index, seat) {
                device.part.note_moved(seat.index);
                device.counted_by.with(|(opened, _)| *opened = Some(seat.id));
            }
        }
    }

    #[inline(always)]
    pub fn count(&self, device: &OnDevice, what: Count, by: u64) {
        if let Some(block) = self.block(device).filter(|_| !leaves_out("count:work")) {
            block.add(what, by);
        }
    }

    /// This thread has waited for work until now.
    pub fn count_wait(&self, device: &OnDevice, nanoseconds: u64, now: u64) {
        self.count(device, Count::Waits, 1);
        self.count(device, Count::WaitedNs, nanoseconds);
        device.note_alive(now);
    }

    /// So often, so many bytes in all.
    #[inline(always)]
    pub(super) fn count_memory(
        &self,
        device: &OnDevice,
        kind: Kind,
        what: Memory,
        all: (u64, u64),
    ) {
        if let Some(block) = self.block(device).filter(|_| !leaves_out("count:memory")) {
            block.memory(kind, what, all);
        }
    }

    /// Memory was taken: counted, and if it is much an event. `name` is its address or handle.
    #[inline(always)]
    pub fn note_taken(&self, device: &OnDevice, kind: Kind, bytes: u64, name: u64) {
        self.count_memory(device, kind, Memory::Taken, (1, bytes));
        if bytes >= LARGE {
            self.record_at(EventKind::Allocated, device, [bytes, name, kind as u64]);
        }
    }

    #[inline(always)]
    pub fn note_freed(&self, device: &OnDevice, kind: Kind, bytes: u64, name: u64) {
        self.count_memory(device, kind, Memory::Freed, (1, bytes));
        if bytes >= LARGE {
            self.record_at(EventKind::Freed, device, [bytes, name, kind as u64]);
        }
    }

    /// An event of the last commit's time: the clock was looked at for that.
    #[inline(always)]
    fn record_at(&self, kind: EventKind, device: &OnDevice, payload: [u64; 3]) {
        let (time, member) = (device.last_commit(), self.counting.seat.load(Ordering::Relaxed));
        let device = Some(device.index);
        self.book.record(Event { time, member, kind, device, payload });
    }

    /// An event of this member.
    #[inline(always)]
    pub fn record(&self, kind: EventKind, device: Option<&OnDevice>, payload: [u64; 3]) {
        let (time, member) = (self.now(), self.counting.seat.load(Ordering::Relaxed));
        let device = device.map(|device| device.index);
        self.book.record(Event { time, member, kind, device, payload });
    }
}
