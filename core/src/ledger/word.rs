//! What the algorithm asks of shared words. Std's atomics, loom's and the tests' stepping words are
//! three answers to the same few questions, with the same orderings.
#![forbid(unsafe_code)]

/// One shared word of 64 bits.
pub trait Word {
    /// Acquire.
    fn load(&self) -> u64;
    /// Release.
    fn store(&self, value: u64);
    /// Acquire and release; whether the word was `old` and is `new` now.
    fn replace(&self, old: u64, new: u64) -> bool;
    /// Raises the word to `value` if it is lower. Acquire and release.
    fn raise(&self, value: u64);
    /// Relaxed: for words that another word publishes.
    fn peek(&self) -> u64;
    /// Relaxed: for words that another word publishes.
    fn put(&self, value: u64);
    /// Loads before it stay before loads after it. An acquire fence.
    fn settle();
    /// Whoever sees a store after it and then settles sees all that was done before it. A release fence.
    fn seal();
}

/// The word a commit swaps: how much is used, how often a dead member's charge was taken off, and who
/// committed last. No two commits leave the same (lane, seq): it names the commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Total {
    /// Bytes; below 2^48.
    pub used: u64,
    /// Wraps after 2^16, of which a refusal would have to miss exactly all.
    pub reaps: u16,
    pub lane: u16,
    /// Rises by one or two with each of the lane's commits; below 2^48, at a commit a microsecond
    /// for more than four years.
    pub seq: u64,
}

pub const MOST_BYTES: u64 = (1 << 48) - 1;
/// A lane beyond this number is not given to anybody any more: 2^40 commits fit behind it.
pub const MOST_SEQ: u64 = MOST_BYTES - (1 << 40);
/// No limit.
pub const UNLIMITED: u64 = u64::MAX;

/// A `Total` in shared memory.
pub trait TotalWord {
    /// As it was at one moment. Acquire.
    fn read(&self) -> Total;
    /// The commit: if it was `old` it is `new` now; else what it is. Acquire and release.
    fn replace(&self, old: Total, new: Total) -> Result<(), Total>;
    /// Leaves the word to others for a while, of a length that none of them can change.
    fn stand_back(&self) {}
}

impl Total {
    pub fn halves(self) -> [u64; 2] {
        [
            self.used & MOST_BYTES | u64::from(self.reaps) << 48,
            self.seq & MOST_BYTES | u64::from(self.lane) << 48,
        ]
    }

    pub fn from_halves([value, tag]: [u64; 2]) -> Total {
        Total {
            used: value & MOST_BYTES,
            reaps: (value >> 48) as u16,
            lane: (tag >> 48) as u16,
            seq: tag & MOST_BYTES,
        }
    }
}
