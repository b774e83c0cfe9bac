//! One page of the device's memory that small requests share.
#![forbid(unsafe_code)]

use super::Owner;
use super::marks::{Long, Marks, NO_LONG, NO_SHORT, Request, Short, Summary, UNITS};
use super::rules::Rules;

/// What every request asks, in a cache line of its own and one more.
#[derive(Clone)]
#[repr(C, align(64))]
pub struct Near {
    any: Summary,
    head: Head,
    long: Long,
}

const _: () = assert!(size_of::<Near>() == 64 + size_of::<Long>());

impl Default for Near {
    fn default() -> Near {
        Near { any: Summary::default(), head: Head::default(), long: NO_LONG }
    }
}

/// In this order: what is written apart must not be read as one.
#[derive(Clone, Default)]
#[repr(C, align(16))]
struct Head {
    owner: Owner,
    /// Requests the driver has not freed yet.
    live: u32,
    /// Nothing lies from the first of these units to the second,
    from: u32,
    to: u32,
    /// and nowhere is a longer run. None of the three is kept of an empty page.
    most: u32,
    /// How many of those that live are leaving. What they have is room for nobody.
    leaving: u32,
    /// What the caller wants to know when the page goes.
    tag: u16,
    /// It was taken for one that was promised room elsewhere, and its charge is still to come.
    owed: bool,
    /// Those whose place the driver gave out again before it was said that it had freed them.
    #[expect(clippy::box_collection, reason = "there is none in nearly every page")]
    overtaken: Option<Box<Vec<(usize, usize)>>>,
}

/// A page, where it is kept.
pub struct Page<'a> {
    head: &'a mut Head,
    marks: Marks<'a>,
}

/// One that was taken out.
pub struct Out {
    near: Box<Near>,
    short: Box<Short>,
}

impl Out {
    pub fn page(&mut self) -> Page<'_> {
        Page::new(&mut self.near, &mut self.short)
    }
}

impl<'a> Page<'a> {
    #[inline(always)]
    pub fn new(near: &'a mut Near, short: &'a mut Short) -> Page<'a> {
        let marks = Marks { any: &mut near.any, short, long: &mut near.long };
        Page { head: &mut near.head, marks }
    }

    pub fn take_out(self) -> Out {
        let (any, head) = (core::mem::take(self.marks.any), core::mem::take(self.head));
        let short = Box::new(core::mem::replace(self.marks.short, NO_SHORT));
        let long = core::mem::replace(self.marks.long, NO_LONG);
        Out { near: Box::new(Near { any, head, long }), short }
    }

    pub fn owner(&self) -> Owner {
        self.head.owner
    }

    pub fn tag(&self) -> u16 {
        self.head.tag
    }

    /// Somebody lies there, and so it is charged, or will be.
    pub fn is_charged(&self) -> bool {
        self.head.live > 0
    }

    /// Somebody lies there whom nobody is about to take away, and it is charged.
    pub fn is_surely_held(&self) -> bool {
        let overtaken = self.head.overtaken.as_ref().map_or(0, |all| all.len());
        self.head.live as usize > self.head.leaving as usize + overtaken && !self.head.owed
    }

    pub fn is_owed(&self) -> bool {
        self.head.owed
    }

    pub fn owe(&mut self, owed: bool) {
        self.head.owed = owed;
    }

    /// Its charge has come; whether it was still to come.
    pub fn pay(&mut self) -> bool {
        core::mem::take(&mut self.head.owed)
    }

    /// Of one that is not charged.
    pub fn begin(&mut self, owner: Owner, tag: u16) {
        (self.head.owner, self.head.tag, self.head.owed) = (owner, tag, false);
        self.head.most = UNITS as u32;
    }

    #[inline(always)]
    pub fn place<R: Rules>(&mut self, unit: usize, units: usize) {
        let end = (unit + units).min(UNITS);
        if R::OVERTAKES && self.head.leaving > 0 {
            self.overtake(unit, end);
        }
        self.marks.put(unit, end);
        let (from, to) = if self.head.live == 0 { (0, UNITS) } else { self.run() };
        self.head.live += 1;
        if from < end && unit < to {
            let (before, behind) = (unit.saturating_sub(from), to.saturating_sub(end));
            if before > behind { self.set_run(from, unit) } else { self.set_run(end, to.max(end)) }
        } else if from == to {
            self.set_run(end, end);
        }
    }

    /// Whether so many free units are known to be in one run, at the price of one look: behind what was
    /// placed last is where the next is likely to go.
    #[inline(always)]
    pub fn surely_has(&mut self, units: usize) -> bool {
        if self.room() == 0 {
            let (from, _) = self.run();
            self.set_run(from, self.marks.next(from));
        }
        self.room() >= units
    }

    /// Takes out what begins there: how many units it had; nothing if nothing begins there.
    #[inline(always)]
    pub fn take(&mut self, unit: usize) -> Option<usize> {
        let request = self.marks.at(unit).filter(|request| !request.leaving)?;
        self.marks.set_leaving(request, true);
        self.head.leaving += 1;
        Some(request.units())
    }

    /// The driver has freed what was taken out; if that was the last request here, whether the page was
    /// charged. What a page never had, or not since its owner is another, is not freed from it.
    #[inline(always)]
    pub fn freed<R: Rules>(&mut self, unit: usize, units: usize) -> Option<bool> {
        let end = unit + units;
        let was_overtaken =
            R::TELLS_APART && self.head.overtaken.is_some() && self.was_overtaken(unit, end);
        if !was_overtaken {
            self.erase(self.marks.leaving(unit, end)?);
        }
        self.head.live = self.head.live.saturating_sub(1);
        if self.head.live > 0 && !was_overtaken {
            self.note_free(unit, end);
        }
        (self.head.live == 0).then(|| !self.pay())
    }

    #[inline(always)]
    fn note_free(&mut self, unit: usize, end: usize) {
        self.head.most = UNITS as u32;
        let (from, to) = self.run();
        let start = if unit == to { from } else { unit };
        let stop = if end == from { to } else { end };
        let longer = stop - start > to - from;
        self.set_run(if longer { start } else { from }, if longer { stop } else { to });
    }

    /// The driver has not freed it after all; false if nothing there is leaving.
    pub fn put_back(&mut self, unit: usize) -> bool {
        let leaving = self.marks.at(unit).filter(|request| request.leaving);
        if let Some(request) = leaving {
            self.marks.set_leaving(request, false);
            self.head.leaving = self.head.leaving.saturating_sub(1);
        }
        leaving.is_some()
    }

    /// How many requests lie there that nobody has taken out, and how many units they have.
    pub fn begun(&self) -> (u64, u64) {
        let stay = self.marks.requests().filter(|request| !request.leaving);
        stay.fold((0, 0), |(count, units), request| (count + 1, units + request.units() as u64))
    }

    /// Takes in what another has of the same page.
    pub fn merge(&mut self, other: &Page) {
        self.marks.merge(&other.marks);
        self.head.live += other.head.live;
        self.head.leaving += other.head.leaving;
        let overtaken = other.head.overtaken.iter().flat_map(|all| all.iter());
        overtaken.for_each(|gone| self.head.overtaken.get_or_insert_default().push(*gone));
        self.set_run(0, 0);
    }

    /// Looks everywhere for a run of so many free units.
    pub fn has_room(&mut self, units: usize) -> bool {
        if self.room() < units && units <= (self.head.most as usize) {
            let mut longest = self.run();
            let mut look = |from: usize, to: usize| {
                if to - from > longest.1 - longest.0 {
                    longest = (from, to);
                }
            };
            let mut at = 0;
            for request in self.marks.requests() {
                look(at, request.unit);
                at = request.end;
            }
            look(at, UNITS);
            self.set_run(longest.0, longest.1);
            self.head.most = self.room() as u32;
        }
        self.room() >= units
    }

    fn run(&self) -> (usize, usize) {
        (self.head.from as usize, self.head.to as usize)
    }

    fn set_run(&mut self, from: usize, to: usize) {
        (self.head.from, self.head.to) = (from as u32, to as u32);
    }

    fn room(&self) -> usize {
        let (from, to) = self.run();
        to - from
    }

    /// Where something was leaving the driver has let it go, or it would not have given it out again.
    #[cold]
    fn overtake(&mut self, unit: usize, end: usize) {
        let meets = self.marks.requests_in(unit, end);
        let gone: Vec<_> = meets.filter(|request| request.leaving).collect();
        self.head.most = UNITS as u32;
        for request in gone {
            self.erase(request);
            self.head.overtaken.get_or_insert_default().push((request.unit, request.end));
        }
    }

    /// Of two that had the same place, one after the other, the marks stay until both are freed.
    #[cold]
    fn was_overtaken(&mut self, unit: usize, end: usize) -> bool {
        let Some(all) = &mut self.head.overtaken else { return false };
        let at = all.iter().position(|gone| *gone == (unit, end));
        at.map(|at| all.swap_remove(at)).is_some()
    }

    /// Takes away one that is leaving.
    #[inline(always)]
    fn erase(&mut self, request: Request) {
        self.marks.erase(request);
        self.head.leaving = self.head.leaving.saturating_sub(1);
    }
}
