//! Whether this process may have work in flight on a device, as others read it in the ledger: when a fault
//! takes the device from everybody, it was somebody's who had.
//!
//! Calls that submit work are counted as they begin and as they end, each thread in words of its own; and
//! when all of them that had begun are known to be done, that number is noted. Where it is not known that
//! they are done, they are not: what is said to be idle is.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use cuota_core::book::{Block, Count, Direction};
use cuota_core::shm::Brief;

use super::{Member, OnDevice, leaves_out};

/// What a process has done with a device's streams.
pub struct Flight {
    /// The one stream all work went to; `NONE` so far, or `SEVERAL`.
    stream: AtomicU64,
    /// Contexts there are: to wait for one is to wait for all only if it is the only one.
    contexts: AtomicU32,
    /// When it was last known that the device works, in nanoseconds since boot.
    well: AtomicU64,
    /// Those that are known.
    known: Brief<Vec<u64>>,
    /// A fault has taken it.
    pub(super) lost: AtomicBool,
}

const NONE: u64 = u64::MAX;
const SEVERAL: u64 = u64::MAX - 1;
/// The calling thread's own default stream: another for each thread.
const PER_THREAD: u64 = 2;
/// Contexts that cannot be counted.
const MANY: u32 = 1 << 16;

impl Flight {
    pub fn new() -> Flight {
        Flight {
            stream: AtomicU64::new(NONE),
            contexts: AtomicU32::new(0),
            well: AtomicU64::new(0),
            known: Brief::new(Vec::new()),
            lost: AtomicBool::new(false),
        }
    }

    #[cold]
    fn goes_to(&self, stream: u64) {
        let is_one = stream != PER_THREAD
            && self
                .stream
                .compare_exchange(NONE, stream, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if !is_one {
            self.stream.store(SEVERAL, Ordering::Release);
        }
    }
}

/// Work of one call: where it is counted.
pub struct Work {
    /// Nothing if there is no room for it.
    block: Option<Block>,
}

impl Work {
    /// Where it is counted that the call begins and ends.
    #[inline(always)]
    pub fn flight(&self, stream: u64) -> Option<Block> {
        self.block.filter(|_| stream == 0 || !leaves_out("flight:begun"))
    }

    #[inline(always)]
    pub fn count(&self, what: Count, by: u64) {
        if let Some(block) = self.block.filter(|_| !leaves_out("count:work")) {
            block.add(what, by);
        }
    }

    #[inline(always)]
    pub fn count_copy(&self, direction: Direction, bytes: u64) {
        if let Some(block) = self.block.filter(|_| !leaves_out("count:copy")) {
            block.copied(direction, bytes);
        }
    }
}

/// What a call waits for.
#[derive(Clone, Copy)]
pub enum Awaited {
    Stream(u64),
    /// All of the current context.
    Context,
    /// Work of which it cannot be told what else had to be done first.
    Some,
}

/// Somebody waits for work: what had begun by then, if that is all there is.
pub struct Waiting<'a> {
    device: &'a OnDevice,
    place: usize,
    begun: Option<u64>,
    since: u64,
}

impl Member {
    /// Work is about to be submitted to a stream.
    #[inline(always)]
    pub fn takes_off(&self, device: &OnDevice, function: u64, stream: u64) -> Work {
        let known = device.flight.stream.load(Ordering::Relaxed);
        if known != stream && known != SEVERAL {
            device.flight.goes_to(stream);
        }
        Work { block: self.block_to_launch(device, function, stream) }
    }

    /// Before a call that waits.
    pub fn waits<'a>(&self, device: &'a OnDevice, what: Awaited, now: u64) -> Waiting<'a> {
        let place = self.counting.seat().index;
        let begun = device.part.submitted(place);
        // SYNC POINT: a thread that has begun before that has said before where to; the other end is in
        // `Block::begin`.
        core::sync::atomic::fence(Ordering::Acquire);
        let is_all = match what {
            // The default streams are others in each context.
            Awaited::Stream(stream) => {
                let only = stream > PER_THREAD || device.has_one_context();
                only && device.flight.stream.load(Ordering::Acquire) == stream
                    || leaves_out("flight:other")
            }
            Awaited::Context => device.has_one_context(),
            Awaited::Some => false,
        };
        Waiting { device, place, begun: begun.filter(|_| is_all), since: now }
    }

    /// It has waited, and all is well.
    pub fn has_landed(&self, waiting: &Waiting) {
        waiting.device.flight.well.fetch_max(waiting.since, Ordering::AcqRel);
        if let Some(begun) = waiting.begun
            && self.counting.seat().index == waiting.place
        {
            waiting.device.part.note_quiet(self.counting.seat(), begun);
        }
    }

    /// A handle that is gone may become another stream's, while this one's work goes on.
    pub fn loses_stream(&self, stream: u64) {
        for device in self.devices() {
            if device.flight.stream.load(Ordering::Relaxed) == stream {
                device.flight.stream.store(SEVERAL, Ordering::Release);
            }
        }
    }

    /// Whether it is not known that all work is done.
    pub fn may_be_busy(&self) -> bool {
        let place = self.counting.seat().index;
        self.devices().any(|device| device.part.is_busy(place))
    }
}

impl OnDevice {
    pub fn has_context(&self, context: u64, now: u64) {
        self.flight.known.with(|known| known.push(context));
        self.flight.contexts.fetch_add(1, Ordering::AcqRel);
        self.flight.well.fetch_max(now, Ordering::AcqRel);
    }

    /// It is about to be destroyed: nobody of ours asks anything of it from here on. Whether it was known.
    pub fn hide_context(&self, context: u64) -> bool {
        self.flight.known.with(|known| {
            let before = known.len();
            known.retain(|one| *one != context);
            known.len() != before
        })
    }

    /// It was not destroyed after all.
    pub fn show_context(&self, context: u64) {
        self.flight.known.with(|known| known.push(context));
    }

    pub fn lost_context(&self) {
        let one_less = |count: u32| count.checked_sub(1);
        let _ = self.flight.contexts.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }

    /// There are contexts of which it is not known when they end.
    pub fn has_more_contexts(&self) {
        self.flight.contexts.fetch_add(MANY, Ordering::AcqRel);
    }

    fn has_one_context(&self) -> bool {
        self.flight.contexts.load(Ordering::Acquire) <= 1
    }

    pub fn has_contexts(&self) -> bool {
        self.flight.contexts.load(Ordering::Acquire) > 0
    }

    pub fn contexts(&self) -> Vec<u64> {
        self.flight.known.with(|known| known.clone())
    }

    /// When the device was last known to work.
    pub fn well_at(&self) -> u64 {
        self.flight.well.load(Ordering::Acquire)
    }
}
