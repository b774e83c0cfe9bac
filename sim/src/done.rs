//! What the driver has done, by its own account: words behind the counts of calls (`calls.rs`), for
//! whoever wants to compare. Work is counted when it is taken outside of a capture.

use crate::calls::word;
use std::sync::atomic::Ordering::Relaxed;

/// A word each; where bytes belong to it they are in the next.
#[derive(Clone, Copy)]
pub enum Done {
    Kernels = 0,
    Cooperative = 1,
    Graphs = 2,
    GraphKernels = 3,
    Waits = 4,
    ContextsMade = 5,
    ContextsGone = 6,
    ModulesLoaded = 7,
    ModulesUnloaded = 8,
    Fills = 10,
    /// Plus twice the direction: as `copy::Job::direction` numbers them.
    Copies = 12,
    /// Of the copies within a device, those between contexts.
    Peer = 24,
    Linear = 26,
    LinearFreed = 28,
    Managed = 30,
    ManagedFreed = 32,
    Pool = 34,
    PoolFreed = 36,
    Vmm = 38,
    VmmFreed = 40,
    Arrays = 42,
    ArraysFreed = 44,
    Mipmaps = 46,
    MipmapsFreed = 48,
}

pub const WORDS: usize = 64;

pub fn did(what: Done) {
    add(what as usize, 1);
}

pub fn did_bytes(what: Done, bytes: usize) {
    add(what as usize, 1);
    add(what as usize + 1, bytes as u64);
}

pub fn copied(direction: usize, bytes: usize) {
    add(Done::Copies as usize + 2 * direction, 1);
    add(Done::Copies as usize + 2 * direction + 1, bytes as u64);
}

fn add(at: usize, by: u64) {
    if let Some(word) = word(at) {
        word.fetch_add(by, Relaxed);
    }
}

/// What the card's memory is cut into for one request.
pub fn cut(bytes: usize) -> usize {
    use crate::memory::grain::{ADDRESS, PAGE, SMALL};
    bytes.max(1).next_multiple_of(if bytes > SMALL { PAGE } else { ADDRESS })
}
