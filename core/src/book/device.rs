//! One device's part of a ledger: claimed at the door by whoever sees the device first.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;

use super::layout::{self, DEVICES, bytes, count, device, header, member};
use super::seat::Seat;
use super::trouble::{Trouble, What};
use super::{Block, Book, Counts, Door};
use crate::config::Sm;
use crate::ledger::{Account, LANE, UNLIMITED, head};
use crate::shm::{Pair, Words, file};

/// A device as the ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub uuid: [u8; 16],
    pub bytes: u64,
}

/// How many of a device's SMs a process may use, and whether it is MPS that sees to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    pub sms: u32,
    pub by_mps: bool,
    /// A static partition, which nobody outside it may use; else the SMs are a cap.
    pub exclusive: bool,
}

impl Grant {
    pub fn word(self) -> u64 {
        u64::from(self.sms) | u64::from(self.by_mps) << 32 | u64::from(self.exclusive) << 33
    }

    pub fn of_word(word: u64) -> Grant {
        let bit = |at: u32| word >> at & 1 == 1;
        Grant { sms: word as u32, by_mps: bit(32), exclusive: bit(33) }
    }

    /// As an event says who sees to it: nobody, MPS, a partition.
    pub fn source(self) -> u64 {
        match (self.by_mps, self.exclusive) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        }
    }
}

/// A device's mapped part.
#[derive(Clone, Copy)]
pub struct Part {
    words: Words,
    total: Pair<'static>,
    limit: &'static AtomicU64,
    peak: &'static AtomicU64,
    lanes: &'static [[AtomicU64; LANE]],
    layout: layout::Layout,
}

impl Part {
    fn new(words: Words, layout: layout::Layout) -> Option<Part> {
        Some(Part {
            words,
            total: Pair::new(words.run(device::TOTAL, 2)?)?,
            limit: words.get(device::LIMIT)?,
            peak: words.get(device::PEAK)?,
            lanes: words.run(device::LANES, layout.lanes_words())?.as_chunks().0,
            layout,
        })
    }

    #[inline(always)]
    pub fn account(&self) -> Account<'static, AtomicU64, Pair<'static>> {
        Account::new(self.total, self.limit, self.peak, self.lanes)
    }

    pub fn value(&self, word: usize) -> u64 {
        self.words.value(word)
    }

    /// A block of a place that `Book::open_counts` has opened.
    pub fn block(&self, place: usize, block: usize) -> Option<Block> {
        // The first is nobody's to add to.
        if place >= self.layout.members as usize || !(count::SHARED..count::BLOCKS).contains(&block)
        {
            return None;
        }
        let at = self.layout.counts_at(place) + block * count::WORDS;
        let words = self.words.run(at, count::WORDS)?.first_chunk()?;
        Some(Block::new(words, block == count::SHARED))
    }

    /// How many calls that submit work have begun in a place, if all have ended.
    pub fn submitted(&self, place: usize) -> Option<u64> {
        let blocks = (count::SHARED..count::BLOCKS).map(|block| {
            let at = self.layout.counts_at(place) + block * count::WORDS;
            // In this order: what has ended by now had begun.
            let ended = self.value(at + count::ENDED);
            (self.value(at + count::BEGUN), ended)
        });
        blocks.into_iter().try_fold(0_u64, |sum, (begun, ended)| {
            (begun == ended).then_some(sum.wrapping_add(begun))
        })
    }

    /// All work is done of the calls that had begun when there were so many.
    pub fn note_quiet(&self, seat: Seat, begun: u64) {
        let at = self.layout.counts_at(seat.index);
        // Not what an earlier one of the place had begun.
        if self.value(at + count::EARLIER_FOR) == seat.id {
            self.set(at + count::SHARED * count::WORDS + count::QUIET, begun);
        }
    }

    /// A member that was taken for dead has come to a place with work in flight, for all it knows.
    pub fn note_moved(&self, place: usize) {
        let at = self.layout.counts_at(place) + count::SHARED * count::WORDS;
        self.set(at + count::BEGUN, 1);
        self.set(at + count::ENDED, 1);
    }

    /// Whether work of the place's member may be in flight.
    pub fn is_busy(&self, place: usize) -> bool {
        let at = self.layout.counts_at(place) + count::SHARED * count::WORDS;
        self.submitted(place) != Some(self.value(at + count::QUIET))
    }

    /// Whether the place's last member left work behind that nobody knows to be done.
    pub(super) fn was_busy(&self, place: usize, id: u64) -> bool {
        let noted = self.value(self.layout.counts_at(place) + count::EARLIER_FOR);
        noted == id && self.is_busy(place)
    }

    /// What the seat's process was granted of the device's SMs.
    pub fn note_grant(&self, seat: Seat, grant: Grant) {
        let lane = device::LANES + seat.index * LANE;
        self.set(lane + head::GRANT, grant.word());
        self.set(lane + head::GRANTED_TO, seat.id);
    }

    pub fn set(&self, word: usize, value: u64) {
        self.words.set(word, value);
    }

    pub fn word(&self, word: usize) -> Option<&'static AtomicU64> {
        self.words.get(word)
    }
}

/// The highest bit: a number of SMs, not a part of them.
const COUNTED: u64 = 1 << 63;

pub(super) fn share_of(word: u64) -> Option<Sm> {
    match word & !COUNTED {
        0 => None,
        count if word & COUNTED != 0 => u32::try_from(count).ok().map(Sm::Count),
        part => Some(Sm::Percent(part)),
    }
}

fn halves(uuid: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_le_bytes(uuid);
    [whole as u64, (whole >> 64) as u64]
}

pub(super) fn uuid_of(low: u64, high: u64) -> [u8; 16] {
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

impl Book {
    /// The share of the SMs that the seat's process asks for.
    pub fn note_share(&self, seat: Seat, share: Option<Sm>) {
        let word = share.map_or(0, |share| match share {
            Sm::Percent(part) => part,
            Sm::Count(count) => u64::from(count) | COUNTED,
        });
        self.head.set(self.member_word(seat.index, member::SHARE), word);
    }

    fn entry(&self, index: usize, word: usize) -> usize {
        header::DIRECTORY + index * header::DIRECTORY_ENTRY + word
    }

    fn is_claimed(&self, index: usize) -> bool {
        index < DEVICES && self.head.value(self.entry(index, 2)) == 1
    }

    /// The device's part, if the ledger has it; mapped once.
    pub fn part(&self, index: usize) -> Option<Part> {
        if !self.is_claimed(index) {
            return None;
        }
        let place = self.parts.get(index)?;
        let words = match place.get() {
            Some(words) => *words,
            None => {
                let start = self.layout.device_at(index);
                let count = self.layout.device_words();
                let words = self.file.with(|fd| Words::map_at(fd, start, count)).ok()?;
                if self.kept_from_children {
                    words.keep_from_children();
                }
                *place.get_or_init(|| words)
            }
        };
        Part::new(words, self.layout)
    }

    /// Makes room for what the seat counts on a device, and notes what was counted there before; false
    /// if there is none.
    pub fn open_counts(&self, index: usize, seat: Seat) -> bool {
        let Some(part) = self.part(index) else { return false };
        let at = self.layout.counts_at(seat.index);
        let start = self.layout.device_at(index) + bytes(at);
        let made = self.file.with(|fd| file::allocate(fd, start, bytes(count::PLACE)));
        if made.is_err() {
            part.set(device::LANES + seat.index * LANE + head::BLIND, seat.id);
            return false;
        }
        let mut earlier = Counts::default();
        for block in count::SHARED..count::BLOCKS {
            let first = at + block * count::WORDS;
            let words: Vec<u64> =
                (first..first + count::WORDS).map(|word| part.value(word)).collect();
            earlier.add(&words);
        }
        part.set(at + count::EARLIER_FOR, 0);
        // Nothing is in flight yet, however the one before ended.
        for block in count::SHARED..count::BLOCKS {
            for word in [count::BEGUN, count::ENDED, count::QUIET] {
                part.set(at + block * count::WORDS + word, 0);
            }
        }
        for (word, value) in earlier.words().iter().enumerate().take(count::EARLIER_FOR) {
            part.set(at + word, *value);
        }
        part.set(at + count::EARLIER_FOR, seat.id);
        true
    }

    pub fn find_device(&self, uuid: [u8; 16]) -> Option<usize> {
        let [low, high] = halves(uuid);
        (0..DEVICES).find(|index| {
            self.is_claimed(*index)
                && self.head.value(self.entry(*index, 0)) == low
                && self.head.value(self.entry(*index, 1)) == high
        })
    }
}

impl Door<'_> {
    /// The device's part, made if this ledger has none: room first, then what it is, and then it is
    /// there. Whoever dies in between leaves a place that the next one takes.
    pub fn claim(&self, wanted: Device) -> Result<usize, Trouble> {
        let book = self.book;
        if let Some(index) = book.find_device(wanted.uuid) {
            return Ok(index);
        }
        let free = (0..DEVICES).find(|index| !book.is_claimed(*index));
        let index = free.ok_or_else(|| book.trouble(What::TooManyDevices))?;
        let layout = book.layout;
        let mapped = book.file.with(|fd| {
            file::allocate(fd, layout.device_at(index), bytes(layout.device_head_words()))?;
            file::lengthen(fd, layout.device_at(index) + bytes(layout.device_words()))?;
            Words::map_at(fd, layout.device_at(index), layout.device_words())
        });
        let words = mapped.map_err(|why| book.trouble(What::Full(why)))?;
        if book.kept_from_children {
            words.keep_from_children();
        }
        let [low, high] = halves(wanted.uuid);
        words.set(device::LIMIT, UNLIMITED);
        words.set(device::WANTED, device::UNDECIDED);
        // Nobody committed yet: the tag names no lane.
        words.set(device::TOTAL + 1, u64::from(u16::MAX) << 48);
        words.set(device::UUID, low);
        words.set(device::UUID + 1, high);
        words.set(device::BYTES, wanted.bytes);
        if let Some(place) = book.parts.get(index) {
            let _ = place.set(words);
        }
        book.head.set(book.entry(index, 0), low);
        book.head.set(book.entry(index, 1), high);
        book.head.set(book.entry(index, 2), 1);
        Ok(index)
    }
}
