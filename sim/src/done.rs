//! What the driver has done, by its own account: words behind the counts of calls (`calls.rs`), for
//! whoever wants to compare. Work is counted when it is taken outside of a capture.

use crate::calls::word;
use crate::machine::MAX_CARDS;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{LazyLock, Mutex, PoisonError};

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
    /// Bytes of cards times the ticks of `CUOTA_SIM_CLOCK` for which processes held them.
    ByteTicks = 50,
    /// The same of what pools had reserved and handed out to nobody.
    IdleTicks = 51,
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

/// A figure for each card, and since when it is that.
type Since = Mutex<[(u64, u64); MAX_CARDS]>;

/// What this process holds, and how much of that its pools have idle.
static HOLDS: Since = Mutex::new([(0, 0); MAX_CARDS]);
static IDLE: Since = Mutex::new([(0, 0); MAX_CARDS]);

/// A word that somebody else moves on: time, where what is held is to be summed up over it.
static TICKS: LazyLock<Option<&'static AtomicU64>> = LazyLock::new(|| {
    let file = std::fs::File::open(std::env::var_os("CUOTA_SIM_CLOCK")?).ok()?;
    // SAFETY: a fresh shared mapping of an open file; it stays until the process ends.
    let word = unsafe {
        libc::mmap(ptr::null_mut(), 8, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    // SAFETY: mapped just above, and any value is one of an atomic word.
    (word != libc::MAP_FAILED).then(|| unsafe { &*word.cast::<AtomicU64>() })
});

/// This process holds so many bytes of a card from now on.
pub fn holds(card: usize, bytes: u64) {
    summed(&HOLDS, Done::ByteTicks, card, |_| bytes);
}

/// One of its pools has so many bytes idle that had `before`.
pub fn idle(card: usize, before: usize, bytes: usize) {
    summed(&IDLE, Done::IdleTicks, card, |all| (all + bytes as u64).saturating_sub(before as u64));
}

fn summed(figures: &Since, sum: Done, card: usize, change: impl Fn(u64) -> u64) {
    let Some(now) = TICKS.map(|ticks| ticks.load(Relaxed)) else { return };
    let mut all = figures.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((bytes, since)) = all.get_mut(card) {
        add(sum as usize, *bytes * (now - *since));
        (*bytes, *since) = (change(*bytes), now);
    }
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
