//! What is counted: a block of words for each thread, in the ledger itself, so that a count is a plain
//! addition in a line nobody else writes, and is there whoever is killed.
//!
//! A member's seat has, on each device, one block that all its threads may add to and a few that belong
//! to one thread each. What is in them only grows, whoever sits there: their sum is the client's. What
//! earlier members left in them is kept aside when a new one sits down, so that its own can be told.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::count;
use crate::kind::Kind;

/// A count that is not about memory. The code is its word in a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Count {
    /// Kernels launched, those of graphs left out.
    Kernels = 0,
    Cooperative,
    Graphs,
    /// Kernels of the graphs launched.
    GraphKernels,
    /// Calls that wait for work, and the nanoseconds they took.
    Waits,
    WaitedNs,
    ContextsMade,
    ContextsGone,
    ModulesLoaded,
    ModulesUnloaded,
    Fills,
    FillBytes,
    /// How often and how much was copied, by direction: `Direction` says which pair.
    Copies,
    /// Devices lost to a fault, a member's own or another's.
    Faults = count::FAULTS,
}

/// Where from and where to. Arrays are the device's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Direction {
    HostToDevice = 0,
    DeviceToHost,
    DeviceToDevice,
    HostToHost,
    /// From one context's memory to another's.
    Peer,
    /// The call leaves it to the addresses.
    Unified,
}

impl Direction {
    pub const ALL: [Direction; 6] = [
        Direction::HostToDevice,
        Direction::DeviceToHost,
        Direction::DeviceToDevice,
        Direction::HostToHost,
        Direction::Peer,
        Direction::Unified,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Direction::HostToDevice => "host_to_device",
            Direction::DeviceToHost => "device_to_host",
            Direction::DeviceToDevice => "device_to_device",
            Direction::HostToHost => "host_to_host",
            Direction::Peer => "peer",
            Direction::Unified => "unified",
        }
    }

    fn word(self) -> usize {
        Count::Copies as usize + 2 * self as usize
    }
}

/// What happened to memory of a kind: calls and bytes of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Memory {
    Taken = 0,
    Freed,
    Refused,
}

fn memory_word(kind: Kind, what: Memory) -> usize {
    count::MEMORY + count::MEMORY_EACH * kind as usize + 2 * what as usize
}

/// A block to add to.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    words: &'static [AtomicU64; count::WORDS],
    /// Other threads add to it too.
    shared: bool,
}

impl Block {
    pub(super) fn new(words: &'static [AtomicU64; count::WORDS], shared: bool) -> Block {
        Block { words, shared }
    }

    #[inline(always)]
    fn raise(&self, word: usize, by: u64) {
        let Some(word) = self.words.get(word) else { return };
        if self.shared {
            word.fetch_add(by, Ordering::Relaxed);
        } else {
            word.store(word.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
        }
    }

    /// A call that submits work begins, and ends: between the two, and until it is known that all is done,
    /// the process has work in flight.
    #[inline(always)]
    pub fn begin(&self) {
        self.raise(count::BEGUN, 1);
        // SYNC POINT: whoever knows of what that work did finds that it was begun; the other end is in
        // `busy`.
        std::sync::atomic::fence(Ordering::Release);
    }

    /// It has submitted nothing after all.
    pub fn undo(&self) {
        self.raise(count::BEGUN, 1_u64.wrapping_neg());
    }

    #[inline(always)]
    pub fn end(&self) {
        self.raise(count::ENDED, 1);
    }

    #[inline(always)]
    pub fn add(&self, what: Count, by: u64) {
        self.raise(what as usize, by);
    }

    #[inline(always)]
    pub fn copied(&self, direction: Direction, bytes: u64) {
        self.raise(direction.word(), 1);
        self.raise(direction.word() + 1, bytes);
    }

    #[inline(always)]
    pub fn memory(&self, kind: Kind, what: Memory, (times, bytes): (u64, u64)) {
        self.raise(memory_word(kind, what), times);
        self.raise(memory_word(kind, what) + 1, bytes);
    }
}

/// Sums of blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    words: [u64; count::WORDS],
}

impl Default for Counts {
    fn default() -> Counts {
        Counts { words: [0; count::WORDS] }
    }
}

impl Counts {
    pub fn of(&self, what: Count) -> u64 {
        self.word(what as usize)
    }

    /// Calls and bytes.
    pub fn copied(&self, direction: Direction) -> (u64, u64) {
        (self.word(direction.word()), self.word(direction.word() + 1))
    }

    /// Calls and bytes.
    pub fn memory(&self, kind: Kind, what: Memory) -> (u64, u64) {
        let at = memory_word(kind, what);
        (self.word(at), self.word(at + 1))
    }

    /// All that were launched: alone, cooperative, and of graphs.
    pub fn launches(&self) -> u64 {
        let all = [Count::Kernels, Count::Cooperative, Count::GraphKernels];
        all.into_iter().fold(0, |sum, what| sum.wrapping_add(self.of(what)))
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// Sums of a file that lies may be anything; they only go round.
    pub fn add(&mut self, words: &[u64]) {
        for (sum, word) in self.words.iter_mut().zip(words) {
            *sum = sum.wrapping_add(*word);
        }
    }

    pub(super) fn subtract(&mut self, words: &[u64]) {
        for (sum, word) in self.words.iter_mut().zip(words) {
            *sum = sum.wrapping_sub(*word);
        }
    }
}

const _: () = assert!(
    Count::Copies as usize + 2 * Direction::ALL.len() <= count::BEGUN
        && count::QUIET < count::MEMORY
);
const _: () = assert!(Count::Copies as usize + 2 * Direction::ALL.len() <= count::MEMORY);
const _: () = assert!(count::MEMORY + count::MEMORY_EACH * Kind::ALL.len() <= count::EARLIER_FOR);
