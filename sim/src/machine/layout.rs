//! The words of the machine file: what processes that share a simulated machine see of each other.
//!
//! Every word is an atomic over a shared mapping. Words that belong together are written under the
//! machine's lock, and each change is one store, so a process killed between two of them leaves
//! nothing half-done: sums are computed from the words of the living, never kept.

use super::Card;
use super::config::CardSpec;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// "cuotasim", little-endian.
pub const MAGIC: u64 = 0x6d69_7361_746f_7563;
/// Raised when a word moves.
pub const VERSION: u64 = 3;
pub const MAX_CARDS: usize = 16;
pub const MAX_PROCESSES: usize = 512;
pub const MAX_BLOCKS: usize = 4096;
/// Bytes of a card's name, its final zero included.
pub const NAME_BYTES: usize = 64;

#[repr(C)]
pub struct Words {
    pub header: Header,
    pub cards: [CardWords; MAX_CARDS],
    pub slots: [SlotWords; MAX_PROCESSES],
    pub blocks: [BlockWords; MAX_BLOCKS],
}

#[repr(C, align(64))]
pub struct Header {
    pub magic: AtomicU64,
    pub version: AtomicU64,
    pub cards: AtomicU64,
    /// Slots that were ever used: scans stop here.
    pub slots_seen: AtomicU64,
    /// Shared blocks that were ever used: scans stop here.
    pub blocks_seen: AtomicU64,
    /// Source of identifiers that are never given twice on this machine.
    pub next_id: AtomicU64,
}

#[repr(C, align(64))]
pub struct CardWords {
    pub total: AtomicU64,
    /// How many there are; high half: by how many MPS gives them.
    pub sms: AtomicU64,
    /// Compute capability: ten times major plus minor.
    pub capability: AtomicU64,
    /// What the driver takes for itself per context.
    pub context_bytes: AtomicU64,
    /// The highest sum ever held by the living.
    pub highest: AtomicU64,
    /// High half: how often something reached all of the card's processes (simulated MPS); low half:
    /// the error it left them with, the last time.
    pub faults: AtomicU64,
    pub uuid: [AtomicU64; 2],
    pub name: [AtomicU64; NAME_BYTES / 8],
}

/// What one process has to do with one card.
#[repr(C, align(64))]
pub struct CellWords {
    pub held: AtomicU64,
    pub peak: AtomicU64,
    pub contexts: AtomicU64,
    /// Exact accounts kept by whoever simulates work: nanoseconds the card was busy for this
    /// process, the same times the SMs it had, and kernels launched.
    pub busy_ns: AtomicU64,
    pub sm_ns: AtomicU64,
    pub launches: AtomicU64,
    /// 1 once a fault of the simulated MPS has reached this process here: its server serves nobody new
    /// before it is gone.
    pub lost: AtomicU64,
}

#[repr(C, align(64))]
pub struct SlotWords {
    /// One of `FREE`, `LIVE` or `GONE`. A gone process's cells stay readable until reuse.
    pub state: AtomicU64,
    pub pid: AtomicU64,
    /// Start time of the process, in the kernel's clock ticks since boot.
    pub start: AtomicU64,
    /// The user whose client of the simulated MPS it is, plus one; 0 if it is none.
    pub client_of: AtomicU64,
    pub cells: [CellWords; MAX_CARDS],
}

pub const FREE: u64 = 0;
pub const LIVE: u64 = 1;
pub const GONE: u64 = 2;

/// Device memory that several processes may hold; it takes its bytes once while anyone lives to
/// hold it.
#[repr(C, align(64))]
pub struct BlockWords {
    /// 0 when unused.
    pub id: AtomicU64,
    pub card: AtomicU64,
    pub bytes: AtomicU64,
    /// The slot that created it: its bytes are listed as that process's while it holds the block.
    pub creator: AtomicU64,
    /// One bit per slot.
    pub holders: [AtomicU64; MAX_PROCESSES / 64],
}

pub const FILE_BYTES: usize = size_of::<Words>();

/// Lock bytes: the machine's own, then one per slot for the process that lives in it.
pub const MACHINE_LOCK: i64 = 0;
pub const fn slot_lock(slot: usize) -> i64 {
    1 + slot as i64
}

impl CardWords {
    pub fn write(&self, spec: &CardSpec, number: usize) {
        self.total.store(spec.total, Relaxed);
        self.sms.store(u64::from(spec.sm_count) | u64::from(spec.sm_step) << 32, Relaxed);
        self.capability.store(u64::from(spec.capability), Relaxed);
        self.context_bytes.store(spec.context_bytes, Relaxed);
        self.uuid[0].store(u64::from_le_bytes(*b"cuotasim"), Relaxed);
        self.uuid[1].store((number as u64 + 1).to_be(), Relaxed);
        let mut text = spec.name.bytes().take(NAME_BYTES - 1);
        for word in &self.name {
            let bytes = [0; 8].map(|zero: u8| text.next().unwrap_or(zero));
            word.store(u64::from_le_bytes(bytes), Relaxed);
        }
    }

    pub fn read(&self) -> Card {
        let capability = self.capability.load(Relaxed) as u32;
        let text = self.name.iter().flat_map(|w| w.load(Relaxed).to_le_bytes());
        let name: Vec<u8> = text.take_while(|byte| *byte != 0).collect();
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&self.uuid[0].load(Relaxed).to_le_bytes());
        uuid[8..].copy_from_slice(&self.uuid[1].load(Relaxed).to_le_bytes());
        Card {
            name: String::from_utf8_lossy(&name).into_owned(),
            uuid,
            total: self.total.load(Relaxed),
            sm_count: self.sms.load(Relaxed) as u32,
            sm_step: (self.sms.load(Relaxed) >> 32) as u32,
            capability: (capability / 10, capability % 10),
            context_bytes: self.context_bytes.load(Relaxed),
        }
    }
}
