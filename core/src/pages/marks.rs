//! Where the requests of a page begin and end.
//!
//! Invariants:
//! - requests do not overlap. What is known of one is found by where it begins, in one cache line.
//! - one that ends within the 64 units where it begins has a bit for either; of those that do not, at most
//!   one begins in any 64 units, and is written down as a whole.
//! - a summary says of which 64 units there is anything: no search is longer than a word or two, and a page
//!   of long requests never touches the bits.
#![forbid(unsafe_code)]

use crate::grain::{PAGE, UNIT};

pub const UNITS: usize = (PAGE / UNIT) as usize;
const BITS: usize = u64::BITS as usize;
const WORDS: usize = UNITS / BITS;
const _: () = assert!(WORDS == BITS, "a summary is one word");

/// Of 64 units: where short requests begin, where they end, and which of them are leaving, by where they
/// begin.
pub type Short = [[u64; 3]; WORDS];
/// Of 64 units: where the long one ends, whether it is leaving, and which of the units it begins with; 0
/// if there is none.
pub type Long = [u32; WORDS];

pub const NO_SHORT: Short = [[0; 3]; WORDS];
pub const NO_LONG: Long = [0; WORDS];
const LEAVING: u32 = 1 << 6;
const END: u32 = 8;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Summary {
    short: u64,
    long: u64,
}

pub struct Marks<'a> {
    pub any: &'a mut Summary,
    pub short: &'a mut Short,
    pub long: &'a mut Long,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub unit: usize,
    pub end: usize,
    /// Taken out here, and not freed by the driver yet.
    pub leaving: bool,
    long: bool,
}

impl Request {
    pub fn units(&self) -> usize {
        self.end - self.unit
    }
}

fn bit(unit: usize) -> u64 {
    1 << (unit % BITS)
}

fn is_long(unit: usize, end: usize) -> bool {
    unit / BITS != (end - 1) / BITS
}

/// Where the long one of 64 units is written down: those of a page of four, or two, in one line.
fn slot(word: usize) -> usize {
    word % (WORDS / 4) * 4 + word / (WORDS / 4)
}

/// The bits behind those of that word, in a summary.
fn behind(word: usize) -> u64 {
    u64::MAX.checked_shl(word as u32 + 1).unwrap_or(0)
}

impl Marks<'_> {
    #[inline(always)]
    pub fn put(&mut self, unit: usize, end: usize) {
        let word = unit / BITS;
        if is_long(unit, end) {
            let Some(long) = self.long.get_mut(slot(word)) else { return };
            *long = (end as u32) << END | (unit % BITS) as u32;
            self.any.long |= bit(word);
        } else if let Some([begins, ends, _]) = self.short.get_mut(word) {
            *begins |= bit(unit);
            *ends |= bit(end - 1);
            self.any.short |= bit(word);
        }
    }

    #[inline(always)]
    pub fn at(&self, unit: usize) -> Option<Request> {
        let (word, within) = (unit / BITS, unit % BITS);
        let [begins, ends, leaving] = self.short.get(word)?;
        let long = *self.long.get(slot(word))?;
        if long != 0 && (long & (LEAVING - 1)) as usize == within {
            let (end, leaving) = ((long >> END) as usize, long & LEAVING != 0);
            return Some(Request { unit, end, leaving, long: true });
        }
        let left = ends >> within;
        let (end, leaving) = (unit + left.trailing_zeros() as usize + 1, leaving & bit(unit) != 0);
        let request = Request { unit, end, leaving, long: false };
        (begins & bit(unit) != 0 && left != 0).then_some(request)
    }

    /// The request that lies there, if exactly that does and is leaving.
    #[inline(always)]
    pub fn leaving(&self, unit: usize, end: usize) -> Option<Request> {
        let (word, within) = (unit / BITS, unit % BITS);
        let [_, ends, leaving] = self.short.get(word)?;
        let long = is_long(unit, end);
        let there = if long {
            *self.long.get(slot(word))? == (end as u32) << END | LEAVING | within as u32
        } else {
            let own = u64::MAX >> (BITS - (end - unit));
            leaving & bit(unit) != 0 && ends >> within & own == own ^ own >> 1
        };
        there.then_some(Request { unit, end, leaving: true, long })
    }

    #[inline(always)]
    pub fn set_leaving(&mut self, request: Request, leaves: bool) {
        let word = request.unit / BITS;
        if request.long {
            let Some(long) = self.long.get_mut(slot(word)) else { return };
            *long = *long & !LEAVING | if leaves { LEAVING } else { 0 };
        } else if let Some([_, _, leaving]) = self.short.get_mut(word) {
            let bit = bit(request.unit);
            *leaving = *leaving & !bit | if leaves { bit } else { 0 };
        }
    }

    #[inline(always)]
    pub fn erase(&mut self, request: Request) {
        let word = request.unit / BITS;
        if request.long {
            let Some(long) = self.long.get_mut(slot(word)) else { return };
            *long = 0;
            self.any.long &= !bit(word);
        } else if let Some([begins, ends, leaving]) = self.short.get_mut(word) {
            *begins &= !bit(request.unit);
            *leaving &= !bit(request.unit);
            *ends &= !bit(request.end - 1);
            self.any.short &= !(u64::from(*begins == 0) << word);
        }
    }

    /// Which of 64 units something begins with.
    fn begins(&self, word: usize) -> u64 {
        let (Some([short, ..]), Some(long)) = (self.short.get(word), self.long.get(slot(word)))
        else {
            return 0;
        };
        let short = if self.any.short & bit(word) == 0 { 0 } else { *short };
        let long = if self.any.long & bit(word) == 0 { 0 } else { 1 << (long & (LEAVING - 1)) };
        short | long
    }

    /// Where the first begins that begins there or behind; none at the end of the page.
    pub fn next(&self, unit: usize) -> usize {
        let word = unit / BITS;
        let here = self.begins(word) >> (unit % BITS);
        if here != 0 {
            return unit + here.trailing_zeros() as usize;
        }
        let word = ((self.any.short | self.any.long) & behind(word)).trailing_zeros() as usize;
        match self.begins(word) {
            0 => UNITS,
            there => word * BITS + there.trailing_zeros() as usize,
        }
    }

    /// Where the last begins that begins before.
    fn last_before(&self, unit: usize) -> Option<usize> {
        let word = unit / BITS;
        let here = self.begins(word) & (bit(unit) - 1);
        if let Some(at) = here.checked_ilog2() {
            return Some(word * BITS + at as usize);
        }
        let before = (self.any.short | self.any.long) & (bit(word) - 1);
        let word = before.checked_ilog2()? as usize;
        self.begins(word).checked_ilog2().map(|at| word * BITS + at as usize)
    }

    /// Every request, in their order.
    pub fn requests(&self) -> impl Iterator<Item = Request> + use<'_> {
        self.requests_from(0)
    }

    /// Every request that lies there, in part or whole.
    pub fn requests_in(&self, unit: usize, end: usize) -> impl Iterator<Item = Request> + use<'_> {
        let from = self.last_before(unit).unwrap_or(unit);
        let before = self.requests_from(from).take_while(move |request| request.unit < end);
        before.filter(move |request| request.end > unit)
    }

    fn requests_from(&self, mut from: usize) -> impl Iterator<Item = Request> + use<'_> {
        core::iter::from_fn(move || {
            let request = self.at(self.next(from))?;
            from = request.end.max(request.unit + 1);
            Some(request)
        })
    }

    /// Takes in those of another, which lie elsewhere.
    pub fn merge(&mut self, other: &Marks) {
        for request in other.requests() {
            self.put(request.unit, request.end);
            self.set_leaving(request, request.leaving);
        }
    }
}
