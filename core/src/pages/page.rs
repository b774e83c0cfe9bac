//! One page of the device's memory that small requests share.
#![forbid(unsafe_code)]

use crate::grain::{PAGE, UNIT};

pub const UNITS: usize = (PAGE / UNIT) as usize;
const WORDS: usize = UNITS / 64;
/// How many words behind an allocation are looked at for room, if it is small.
const LOOK: usize = 1;

/// Which units are taken, and where allocations begin.
#[derive(Debug)]
pub struct Page {
    taken: [u64; WORDS],
    /// Taken out here, and not freed by the driver yet: no room for anybody.
    leaving: [u64; WORDS],
    begins: [u64; WORDS],
    pub live: u32,
    /// A run of free units at least this long is in the page. May be too low.
    pub room: usize,
}

impl Page {
    pub fn new() -> Page {
        Page { taken: [0; WORDS], leaving: [0; WORDS], begins: [0; WORDS], live: 0, room: 0 }
    }

    pub fn place(&mut self, unit: usize, units: usize) {
        let end = (unit + units).min(UNITS);
        fill(&mut self.taken, unit, end, true);
        // Where something was leaving the driver has let it go, or it would not be given out again.
        fill(&mut self.leaving, unit, end, false);
        set(&mut self.begins, unit, true);
        // What follows is where the next is likely to go; elsewhere nothing is known any more.
        self.room = match self.live {
            0 => UNITS - end,
            _ => self.run_from(end, UNITS.min(end + units.max(LOOK * 64))),
        };
        self.live += 1;
    }

    /// Takes out what begins there: how many units it had; nothing if nothing begins there.
    pub fn take(&mut self, unit: usize) -> Option<usize> {
        if !get(&self.begins, unit) {
            return None;
        }
        set(&mut self.begins, unit, false);
        let mut end = unit + 1;
        while end < UNITS && get(&self.taken, end) && !get(&self.begins, end) {
            // Whole words of one allocation at a time.
            let whole = end.is_multiple_of(64)
                && self.taken.get(end / 64) == Some(&u64::MAX)
                && self.begins.get(end / 64) == Some(&0);
            end += if whole { 64 } else { 1 };
        }
        fill(&mut self.taken, unit, end, false);
        fill(&mut self.leaving, unit, end, true);
        Some(end - unit)
    }

    /// The driver has freed what was taken out.
    pub fn freed(&mut self, unit: usize, units: usize) {
        fill(&mut self.leaving, unit, (unit + units).min(UNITS), false);
        self.live = self.live.saturating_sub(1);
        self.room = match self.live {
            0 => UNITS,
            _ => self.room.max(self.run_from(unit, unit + units)),
        };
    }

    /// The driver has not freed it after all.
    pub fn put_back(&mut self, unit: usize, units: usize) {
        let end = (unit + units).min(UNITS);
        fill(&mut self.leaving, unit, end, false);
        fill(&mut self.taken, unit, end, true);
        set(&mut self.begins, unit, true);
    }

    /// How many requests lie there that nobody has taken out.
    pub fn begun(&self) -> u64 {
        self.begins.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub fn units_taken(&self) -> u64 {
        self.taken.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Takes in what another knows of the same page.
    pub fn merge(&mut self, other: &Page) {
        let both = |ours: &mut [u64; WORDS], theirs: &[u64; WORDS]| {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours |= theirs);
        };
        both(&mut self.taken, &other.taken);
        both(&mut self.leaving, &other.leaving);
        both(&mut self.begins, &other.begins);
        (self.live, self.room) = (self.live + other.live, 0);
    }

    /// Free units from `start` on, as far as `end`.
    fn run_from(&self, start: usize, end: usize) -> usize {
        let end = end.min(UNITS);
        let mut at = start;
        while at < end {
            let held = |bits: &[u64; WORDS]| bits.get(at / 64).copied().unwrap_or(u64::MAX);
            let word = (held(&self.taken) | held(&self.leaving)) >> (at % 64);
            let free = (word.trailing_zeros() as usize).min(64 - at % 64);
            at += free;
            if word != 0 {
                break;
            }
        }
        at.min(end).saturating_sub(start)
    }

    /// Looks everywhere for a run of so many free units.
    pub fn has_room(&mut self, units: usize) -> bool {
        let (mut at, mut longest) = (0, self.room);
        while at < UNITS && longest < units {
            let run = self.run_from(at, UNITS);
            longest = longest.max(run);
            at += run.max(1);
        }
        self.room = longest;
        longest >= units
    }
}

fn get(bits: &[u64; WORDS], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn set(bits: &mut [u64; WORDS], at: usize, value: bool) {
    if let Some(word) = bits.get_mut(at / 64) {
        let bit = 1 << (at % 64);
        *word = if value { *word | bit } else { *word & !bit };
    }
}

fn fill(bits: &mut [u64; WORDS], start: usize, end: usize, value: bool) {
    let mut at = start;
    while at < end {
        let upto = (at / 64 * 64 + 64).min(end);
        let mask = (u64::MAX >> (64 - (upto - at))) << (at % 64);
        if let Some(word) = bits.get_mut(at / 64) {
            *word = if value { *word | mask } else { *word & !mask };
        }
        at = upto;
    }
}
