//! Memory freed in a stream's order: it is held until the stream gets there.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cuota_core::shm::Brief;

use super::{Entry, Kind, Member};
use crate::driver::query;

/// Charges waiting for a stream; and how many captures are on, during which streams are not asked
/// and nothing is trimmed.
pub struct Pending {
    list: Brief<Vec<(u64, Entry)>>,
    any: AtomicBool,
    captures: AtomicU32,
}

impl Pending {
    pub(super) fn new() -> Pending {
        Pending {
            list: Brief::new(Vec::new()),
            any: AtomicBool::new(false),
            captures: AtomicU32::new(0),
        }
    }
}

impl Member {
    /// The entry goes when everything before it in the stream has happened.
    pub fn let_go_in_order(&self, stream: u64, entry: Entry) {
        self.pending.list.with(|list| list.push((stream, entry)));
        self.pending.any.store(true, Ordering::Release);
        self.look_at_pending();
    }

    /// Gives back what streams have got to by now.
    #[inline(always)]
    pub fn look_at_pending(&self) {
        if self.pending.any.load(Ordering::Relaxed) && !self.is_capturing() {
            self.ask_streams();
        }
    }

    #[cold]
    fn ask_streams(&self) {
        let waiting = self.pending.list.with(core::mem::take);
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for (stream, entry) in waiting {
            // A stream that is gone, or in an error, has nothing left to do.
            let busy = query::cuStreamQuery(stream) == crate::driver::Status::NOT_READY;
            if busy { left.push((stream, entry)) } else { done.push(entry) }
        }
        self.pending.list.with(|list| {
            list.append(&mut left);
            self.pending.any.store(!list.is_empty(), Ordering::Release);
        });
        for entry in done {
            self.let_go(entry);
            if entry.kind == Kind::Pool {
                self.pool_freed(entry.owner);
            }
        }
    }

    /// What belongs to a context that is gone is not waited for.
    pub(super) fn drop_pending(&self, owner: u64) {
        let gone = self.pending.list.with(|list| {
            list.extract_if(.., |(_, entry)| entry.owner == owner).collect::<Vec<_>>()
        });
        for (_, entry) in gone {
            self.let_go(entry);
        }
    }

    pub fn capture_begins(&self) {
        self.pending.captures.fetch_add(1, Ordering::AcqRel);
    }

    pub fn capture_ends(&self) {
        let less = |count: u32| count.checked_sub(1);
        let _ = self.pending.captures.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
    }

    /// Whether a capture is on anywhere in this process.
    pub fn is_capturing(&self) -> bool {
        self.pending.captures.load(Ordering::Acquire) > 0
    }
}
