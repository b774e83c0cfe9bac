//! The ring of events: many writers, newest wins, nobody waits.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use super::Book;
use super::layout::{DEVICES, bytes, event, header};
use super::record::{Exact, write_record};
use crate::shm::file;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Pid.
    Joined = 1,
    /// In good order: pid.
    Left = 2,
    /// Found dead: pid, and what it held, which was given back.
    Died = 3,
    /// Its handle, what it took.
    ContextCreated = 4,
    /// Its handle.
    ContextDestroyed = 5,
    /// Bytes, address or handle, how (`kind::Kind`). From `LARGE` on.
    Allocated = 6,
    /// As above.
    Freed = 7,
    /// Asked, limit, held at that moment.
    Refused = 8,
    /// New, old.
    LimitChanged = 9,
    /// SMs granted, SMs there are (0 if that is not known), whether by MPS.
    ShareGranted = 10,
    /// The driver's status and from 2^32 on the verdict; members with work in flight and from 2^32 on all
    /// of them; the culprit's pid.
    Fault = 11,
    /// What the driver holds for itself: now, before.
    Untracked = 14,
}

impl Kind {
    pub const ALL: [Kind; 12] = [
        Kind::Joined,
        Kind::Left,
        Kind::Died,
        Kind::ContextCreated,
        Kind::ContextDestroyed,
        Kind::Allocated,
        Kind::Freed,
        Kind::Refused,
        Kind::LimitChanged,
        Kind::ShareGranted,
        Kind::Fault,
        Kind::Untracked,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Joined => "joined",
            Kind::Left => "left",
            Kind::Died => "died",
            Kind::ContextCreated => "context created",
            Kind::ContextDestroyed => "context destroyed",
            Kind::Allocated => "allocated",
            Kind::Freed => "freed",
            Kind::Refused => "refused",
            Kind::LimitChanged => "limit changed",
            Kind::ShareGranted => "share granted",
            Kind::Fault => "fault",
            Kind::Untracked => "untracked",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since boot.
    pub time: u64,
    /// Incarnation; 0 if it was no member.
    pub member: u64,
    pub kind: Kind,
    /// Index in the ledger's directory.
    pub device: Option<usize>,
    pub payload: [u64; 3],
}

/// Allocations and frees of so many bytes or more are events; the others are only counted.
pub const LARGE: u64 = 1 << 20;

/// The ring grows by so many bytes.
const STEP: u64 = 16 << 10;

/// No device.
const NONE: u64 = u32::MAX as u64;

impl Event {
    #[inline(always)]
    pub(super) fn words(&self) -> [u64; 6] {
        let device = self.device.map_or(NONE, |index| index as u64);
        let [first, second, third] = self.payload;
        [self.time, self.member, self.kind as u64 | device << 32, first, second, third]
    }

    pub(super) fn from_words(
        [time, member, kind, first, second, third]: [u64; 6],
    ) -> Option<Event> {
        let (code, device) = (kind & 0xffff_ffff, kind >> 32);
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u64 == code)?;
        let device = (device != NONE).then_some(device as usize);
        if device.is_some_and(|index| index >= DEVICES) {
            return None;
        }
        Some(Event { time, member, kind, device, payload: [first, second, third] })
    }
}

impl Book {
    /// Whether so many bytes of the ring can be written; the disk may be full.
    #[inline(always)]
    fn has_room_for_events(&self, needed: u64) -> bool {
        needed <= self.head.value(header::RING_BYTES) || self.make_room_for_events(needed)
    }

    #[cold]
    fn make_room_for_events(&self, needed: u64) -> bool {
        let Some(there) = self.head.get(header::RING_BYTES) else { return false };
        let wanted = needed.next_multiple_of(STEP);
        let start = self.layout.ring_at();
        let end = (start + wanted).min(self.layout.devices_at());
        let made = self.file.with(|fd| file::allocate(fd, start, end - start)).is_ok();
        if made {
            there.fetch_max(end - start, Ordering::AcqRel);
        }
        made
    }

    /// The next number, and its record, which is the oldest's until it is written; nothing if the ring
    /// has no room there.
    #[inline(always)]
    pub(super) fn next_event(&self) -> Option<(u64, &'static [AtomicU64; event::WORDS])> {
        let number = self.head.get(header::WRITTEN)?.fetch_add(1, Ordering::AcqRel);
        let events = (self.ring.len() as u64).max(1);
        // As a rule they are a power of two, and a division may cost as much as all the rest.
        let index = if events.is_power_of_two() { number & (events - 1) } else { number % events };
        let there = self.has_room_for_events((index + 1) * bytes(event::WORDS));
        self.ring.get(index as usize).filter(|_| there).map(|record| (number, record))
    }

    /// Writes an event over the oldest.
    #[inline(always)]
    pub fn record(&self, new: Event) {
        if let Some((number, record)) = self.next_event() {
            write_record::<Exact, _>(record, number, &new);
        }
    }
}
