//! Which captures are on, during which streams are not asked and nothing is trimmed.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use cuota_core::shm::Brief;

use super::Member;
use super::spot::Spot;
use crate::driver::query;

/// The streams that capture.
pub struct Captures {
    list: Brief<Vec<(u64, Spot)>>,
    count: AtomicU32,
}

impl Captures {
    pub(super) fn new() -> Captures {
        Captures { list: Brief::default(), count: AtomicU32::new(0) }
    }

    fn change(&self, act: impl FnOnce(&mut Vec<(u64, Spot)>)) {
        self.list.with(|list| {
            act(list);
            self.count.store(list.len() as u32, Ordering::Release);
        });
    }

    /// They end with their context.
    pub(super) fn end_with(&self, context: u64) {
        self.change(|list| list.retain(|(_, spot)| !spot.is_of(context)));
    }
}

impl Member {
    /// Counted before it begins: whoever sees none may ask streams.
    pub fn capture_begins(&self, stream: u64) {
        let spot = Spot::of(stream);
        self.captures.change(|list| list.push((stream, spot)));
    }

    /// One of the stream's, of which there are two while a second is refused.
    pub fn capture_ends(&self, stream: u64) {
        self.captures.change(|list| {
            if let Some(at) = list.iter().position(|(of, _)| *of == stream) {
                list.swap_remove(at);
            }
        });
    }

    /// Whether a capture is on anywhere in this process.
    #[inline(always)]
    pub fn is_capturing(&self) -> bool {
        self.captures.count.load(Ordering::Acquire) > 0
    }

    /// Whether what is submitted to a stream just now is captured instead of run.
    pub fn is_captured(&self, stream: u64) -> bool {
        let mut status = 0;
        self.is_capturing()
            && !(query::cuStreamIsCapturing(stream, &mut status).ok() && status == 0)
    }
}
