//! A moment in the device's time, known once the device has reached it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::event_share::Words;

#[derive(Default)]
pub struct Moment {
    /// Nanoseconds plus one; 0 until it is reached.
    at: AtomicU64,
    /// Where other processes look for it, and under which number.
    told: Option<(Arc<Words>, u64)>,
}

impl Moment {
    pub fn told(words: Arc<Words>, number: u64) -> Moment {
        Moment { at: AtomicU64::new(0), told: Some((words, number)) }
    }

    /// When it was, if it has been.
    pub fn reached(&self) -> Option<u64> {
        self.at.load(Ordering::Acquire).checked_sub(1)
    }

    pub fn reach(&self, at: u64) {
        self.at.store(at.saturating_add(1), Ordering::Release);
        if let Some((words, number)) = &self.told {
            words.done(*number);
        }
    }
}
