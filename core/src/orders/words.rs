//! Words over loom's atomics, by the very lines of the real ones; each step of them can be left out.
#![forbid(unsafe_code)]

use std::marker::PhantomData;
use std::sync::atomic;

use loom::sync::atomic::{AtomicU64, Ordering};

use crate::ledger::{Total, TotalWord, Word};

/// What words keep to.
pub trait Keeps: Send + Sync + 'static {
    /// `seal` does something.
    const SEAL: bool = true;
    /// `settle` does something.
    const SETTLE: bool = true;
    /// A commit releases and acquires.
    const COMMIT: bool = true;
    /// Stores release.
    const STORE: bool = true;
}

pub struct All;

impl Keeps for All {}

/// A word whose orders matter to the case, or one that is only carried along: loom does not stop
/// there, and so has fewer orders to try.
pub enum Kept<K> {
    Live(AtomicU64, PhantomData<K>),
    Dull(atomic::AtomicU64),
}

impl<K> Kept<K> {
    pub fn live(value: u64) -> Kept<K> {
        Kept::Live(AtomicU64::new(value), PhantomData)
    }

    pub fn dull(value: u64) -> Kept<K> {
        Kept::Dull(atomic::AtomicU64::new(value))
    }
}

macro_rules! either {
    ($word:expr, $question:ident($($value:expr),*)) => {
        match $word {
            Kept::Live(word, _) => Word::$question(word, $($value),*),
            Kept::Dull(word) => Word::$question(word, $($value),*),
        }
    };
}

impl<K: Keeps> Word for Kept<K> {
    fn load(&self) -> u64 {
        either!(self, load())
    }
    fn store(&self, value: u64) {
        if K::STORE { either!(self, store(value)) } else { either!(self, put(value)) }
    }
    fn replace(&self, old: u64, new: u64) -> bool {
        either!(self, replace(old, new))
    }
    fn raise(&self, value: u64) {
        either!(self, raise(value));
    }
    fn peek(&self) -> u64 {
        either!(self, peek())
    }
    fn put(&self, value: u64) {
        either!(self, put(value));
    }
    fn settle() {
        if K::SETTLE {
            <AtomicU64 as Word>::settle();
        }
    }
    fn seal() {
        if K::SEAL {
            <AtomicU64 as Word>::seal();
        }
    }
}

/// A total in one word: used 20 bits, reaps 8, lane 8, seq 28. No commit may exceed `most`.
pub struct Packed<'a, K> {
    pub word: &'a AtomicU64,
    pub most: u64,
    pub keeps: PhantomData<K>,
}

const NOBODY: u64 = 0xff;

pub fn pack(total: Total) -> u64 {
    let lane = u64::from(total.lane).min(NOBODY);
    assert!(total.used < 1 << 20 && total.seq < 1 << 28);
    total.used | u64::from(total.reaps & 0xff) << 20 | lane << 28 | total.seq << 36
}

fn unpack(word: u64) -> Total {
    let lane = word >> 28 & 0xff;
    Total {
        used: word & 0xf_ffff,
        reaps: (word >> 20 & 0xff) as u16,
        lane: if lane == NOBODY { u16::MAX } else { lane as u16 },
        seq: word >> 36,
    }
}

impl<K: Keeps> TotalWord for Packed<'_, K> {
    fn read(&self) -> Total {
        unpack(if K::COMMIT { Word::load(self.word) } else { self.word.load(Ordering::Relaxed) })
    }

    fn replace(&self, old: Total, new: Total) -> Result<(), Total> {
        let (from, to) = (pack(old), pack(new));
        let (success, failure) = match K::COMMIT {
            true => (Ordering::AcqRel, Ordering::Acquire),
            false => (Ordering::Relaxed, Ordering::Relaxed),
        };
        let done = self.word.compare_exchange(from, to, success, failure);
        assert!(done.is_err() || new.used <= self.most, "over the limit");
        done.map(|_| ()).map_err(unpack)
    }
}
