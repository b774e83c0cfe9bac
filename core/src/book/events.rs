//! The ring of events: many writers, newest wins, nobody waits. A record carries its number; one that
//! was never finished, or that two writers met in, does not add up and is skipped.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering;

use super::Book;
use super::layout::{DEVICES, bytes, event, header};
use crate::ledger::Word;
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
    /// What the driver holds for itself: now, before.
    Untracked = 14,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Joined,
        Kind::Left,
        Kind::Died,
        Kind::ContextCreated,
        Kind::ContextDestroyed,
        Kind::Allocated,
        Kind::Freed,
        Kind::Refused,
        Kind::LimitChanged,
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
    fn words(&self) -> [u64; 6] {
        let device = self.device.map_or(NONE, |index| index as u64);
        let [first, second, third] = self.payload;
        [self.time, self.member, self.kind as u64 | device << 32, first, second, third]
    }

    fn from_words([time, member, kind, first, second, third]: [u64; 6]) -> Option<Event> {
        let (code, device) = (kind & 0xffff_ffff, kind >> 32);
        let kind = Kind::ALL.into_iter().find(|kind| *kind as u64 == code)?;
        let device = (device != NONE).then_some(device as usize);
        if device.is_some_and(|index| index >= DEVICES) {
            return None;
        }
        Some(Event { time, member, kind, device, payload: [first, second, third] })
    }
}

#[inline(always)]
fn mix(number: u64, words: &[u64; 6]) -> u64 {
    words.iter().fold(number.wrapping_add(1), |mixed, word| {
        (mixed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    })
}

impl Book {
    pub(super) fn event_at(&self, number: u64) -> usize {
        let index = number % self.layout.events.max(1);
        (self.layout.ring_at() / 8) as usize + index as usize * event::WORDS
    }

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

    /// Writes an event over the oldest.
    #[inline(always)]
    pub fn record(&self, new: Event) {
        let Some(written) = self.head.get(header::WRITTEN) else { return };
        let number = written.fetch_add(1, Ordering::AcqRel);
        let at = self.event_at(number);
        if !self.has_room_for_events(bytes(at + event::WORDS) - self.layout.ring_at()) {
            return;
        }
        let Some(record) = self.head.run(at, event::WORDS) else { return };
        write_record(record, number, &new);
    }
}

/// A record's state once it is whole.
pub(super) fn finished(number: u64) -> u64 {
    number.wrapping_mul(2).wrapping_add(2)
}

/// Writes the event of that number.
#[inline(always)]
pub(crate) fn write_record<A: Word>(record: &[A], number: u64, new: &Event) {
    let [state, words @ .., check] = record else { return };
    state.put(finished(number).wrapping_sub(1));
    // SYNC POINT: whoever sees a word of the record sees that it was being written; the other end is
    // in `read_record`.
    A::seal();
    let values = new.words();
    for (word, value) in words.iter().zip(values) {
        word.put(value);
    }
    check.put(mix(number, &values));
    state.store(finished(number));
}

/// The event of that number, if its record is whole and still its own.
pub fn read_record<A: Word>(record: &[A], number: u64) -> Option<Event> {
    let (values, check) = read_words(record, number)?;
    (check == mix(number, &values)).then(|| Event::from_words(values))?
}

/// The words and the check of that number's record, if nobody wrote meanwhile; of two writers that
/// met in it, one a lap ahead, the state shows only the last.
pub(crate) fn read_words<A: Word>(record: &[A], number: u64) -> Option<([u64; 6], u64)> {
    let [state, words @ .., check] = record else { return None };
    let before = state.load();
    let mut values = [0; 6];
    for (value, word) in values.iter_mut().zip(words) {
        *value = word.peek();
    }
    let check = check.peek();
    // SYNC POINT: the other end is in `write_record`.
    A::settle();
    let whole = before == finished(number) && state.peek() == before;
    whole.then_some((values, check))
}
