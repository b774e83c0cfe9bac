//! Which captures are on, during which streams are not asked and nothing is trimmed.
#![forbid(unsafe_code)]

use core::cell::Cell;
use core::sync::atomic::{AtomicU32, Ordering};

use cuota_core::shm::Brief;

use super::Member;
use super::spot::Spot;
use crate::driver::query;

/// The streams that capture.
pub struct Captures {
    list: Brief<Vec<Spot>>,
    count: AtomicU32,
}

impl Captures {
    pub(super) fn new() -> Captures {
        Captures { list: Brief::default(), count: AtomicU32::new(0) }
    }

    fn change(&self, act: impl FnOnce(&mut Vec<Spot>)) {
        self.list.with(|list| {
            act(list);
            self.count.store(list.len() as u32, Ordering::Release);
        });
    }

    /// They end with their context.
    pub(super) fn end_with(&self, context: u64) {
        self.change(|list| list.retain(|spot| !spot.is_of(context)));
    }
}

/// A thread that captures in its own stream, by its number.
struct Own(Cell<u64>);

thread_local!(static OWN: Own = const { Own(Cell::new(0)) });

impl Drop for Own {
    /// Nobody else can end what it captures, nor is any of that disturbed.
    fn drop(&mut self) {
        if let Some(member) = super::current() {
            member.captures.change(|list| list.retain(|spot| spot.own_of() != Some(self.0.get())));
        }
    }
}

impl Member {
    /// Counted before it begins: whoever sees none may ask streams.
    pub fn capture_begins(&self, stream: u64) {
        let spot = Spot::of(stream);
        if let Some(thread) = spot.own_of() {
            let _ = OWN.try_with(|own| own.0.set(thread));
        }
        self.captures.change(|list| list.push(spot));
    }

    /// One of the stream's, of which there are two while a second is refused. A stream with a handle may be
    /// destroyed by now.
    pub fn capture_ends(&self, stream: u64) {
        let spot = if Spot::has_handle(stream) { None } else { Some(Spot::of(stream)) };
        let ended = |one: &Spot| match &spot {
            Some(spot) => one.is_in_order_of(spot),
            None => one.is_in(stream),
        };
        self.captures.change(|list| {
            if let Some(at) = list.iter().position(ended) {
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
