//! Small requests: the driver cuts them out of pages, and what is held of the device is pages. Where
//! an address lies says which; what has room says whether the next request takes a new one.
#![forbid(unsafe_code)]

mod known;
mod page;
#[cfg(test)]
mod tests;

use std::num::NonZero;

use crate::grain::{PAGE, SMALL, UNIT, round};
use known::Known;
use page::{Page, UNITS};

/// Whose pages are whose: requests of one owner share pages.
pub type Owner = u64;

/// The pages of small requests of one process.
#[derive(Default)]
pub struct Pages {
    pages: Known,
    recent: Vec<Recent>,
}

/// What is on its way for an owner.
struct Recent {
    owner: Owner,
    /// Where the last request went or was freed.
    page: u64,
    /// Units of requests the driver is being asked for without a page of their own.
    promised: usize,
    /// Charged pages that others, who found room after all, have left to those.
    spare: usize,
}

struct Owned {
    page: Page,
    owner: Owner,
    /// What the caller wants to know when the page goes.
    tag: u16,
}

impl Owned {
    /// Somebody lies there, and so it is charged.
    fn is_charged_to(&self, owner: Owner) -> bool {
        self.owner == owner && self.page.live > 0
    }
}

/// What was taken out at an address, to be put back if the driver did not free it. Two registers' worth,
/// also where there may be none: it comes and goes with every small request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub owner: Owner,
    /// Units above, the tag below.
    what: NonZero<u64>,
}

/// The pages of an owner, taken out.
pub struct Gone {
    pages: Vec<(u64, Owned)>,
}

impl Gone {
    /// Each page's tag, and how many requests lie there, with how many bytes; those that are taken out are
    /// told of by who took them.
    pub fn pages(&self) -> impl Iterator<Item = (u16, (u64, u64))> + '_ {
        self.pages.iter().map(|(_, owned)| {
            let units = owned.page.units_taken();
            (owned.tag, (owned.page.begun(), units * UNIT))
        })
    }
}

impl Taken {
    fn new(owner: Owner, tag: u16, units: usize) -> Option<Taken> {
        let what = NonZero::new((units as u64) << u16::BITS | u64::from(tag))?;
        Some(Taken { owner, what })
    }

    pub fn tag(&self) -> u16 {
        self.what.get() as u16
    }

    fn units(&self) -> usize {
        (self.what.get() >> u16::BITS) as usize
    }

    pub fn bytes(&self) -> u64 {
        self.units() as u64 * UNIT
    }
}

pub fn is_small(bytes: u64) -> bool {
    bytes <= SMALL
}

fn units(bytes: u64) -> usize {
    (round(bytes.max(1), UNIT) / UNIT) as usize
}

fn unit_of(address: u64) -> usize {
    (address % PAGE / UNIT) as usize
}

impl Pages {
    /// Promises room to a request if there surely is some, at the price of one look. What is promised
    /// is `kept` when the driver has answered.
    #[inline]
    pub fn promise(&mut self, owner: Owner, bytes: u64) -> bool {
        let Some(recent) = self.recent.iter_mut().find(|recent| recent.owner == owner) else {
            return false;
        };
        let room = self.pages.find(recent.page).filter(|owned| owned.is_charged_to(owner));
        let wanted = recent.promised + units(bytes);
        let fits = room.is_some_and(|owned| owned.page.room >= wanted);
        if fits {
            recent.promised = wanted;
        }
        fits
    }

    /// As above, after a look at all of the owner's pages.
    pub fn promise_anywhere(&mut self, owner: Owner, bytes: u64) -> bool {
        let promised = self.recent.iter().find(|r| r.owner == owner).map_or(0, |r| r.promised);
        let wanted = promised + units(bytes);
        let fits = |(at, owned): (u64, &mut Owned)| {
            (owned.is_charged_to(owner) && owned.page.has_room(wanted)).then_some(at)
        };
        let Some(page) = self.pages.iter_mut().find_map(fits) else { return false };
        self.remember(owner, page).promised = wanted;
        true
    }

    /// A promised request is over, well or not: how many spare pages nobody needs any more.
    pub fn kept(&mut self, owner: Owner, bytes: u64) -> usize {
        let Some(recent) = self.recent.iter_mut().find(|recent| recent.owner == owner) else {
            return 0;
        };
        recent.promised = recent.promised.saturating_sub(units(bytes));
        if recent.promised == 0 { core::mem::take(&mut recent.spare) } else { 0 }
    }

    /// Leaves a charged page to those who were promised the room that was taken instead; false if
    /// there is nobody.
    pub fn leave_page(&mut self, owner: Owner) -> bool {
        let promised = self.recent.iter_mut().find(|r| r.owner == owner && r.promised > 0);
        promised.map(|recent| recent.spare += 1).is_some()
    }

    /// Takes a page that was left.
    pub fn take_spare(&mut self, owner: Owner) -> bool {
        let spare = self.recent.iter_mut().find(|r| r.owner == owner && r.spare > 0);
        spare.map(|recent| recent.spare -= 1).is_some()
    }

    /// The driver has put a promised request there: whether that took a page nobody knew and nobody
    /// left, and how many spare pages nobody needs any more.
    #[inline]
    pub fn place_promised(
        &mut self,
        owner: Owner,
        tag: u16,
        address: u64,
        (taken, promised): (u64, u64),
    ) -> (bool, usize) {
        let new = self.place(owner, tag, address, taken) && !self.take_spare(owner);
        (new, self.kept(owner, promised))
    }

    /// The driver has put a request there; whether that took a page nobody knew.
    pub fn place(&mut self, owner: Owner, tag: u16, address: u64, bytes: u64) -> bool {
        let at = address / PAGE;
        let fresh = || Owned { page: Page::new(), owner, tag };
        let owned = self.pages.find_or_insert(at, fresh);
        let new = owned.page.live == 0;
        if new {
            (owned.owner, owned.tag) = (owner, tag);
        }
        owned.page.place(unit_of(address), units(bytes));
        self.remember(owner, at);
        new
    }

    /// Takes out the request at an address, if it is one, before the driver frees it.
    pub fn take(&mut self, address: u64) -> Option<Taken> {
        let at = address / PAGE;
        let owned = self.pages.find(at)?;
        if !address.is_multiple_of(UNIT) {
            return None;
        }
        let units = owned.page.take(unit_of(address))?;
        Taken::new(owned.owner, owned.tag, units)
    }

    /// The page, unless another owner has it since: what was there went with the owner.
    fn of(&mut self, owner: Owner, page: u64) -> Option<&mut Owned> {
        self.pages.find(page).filter(|owned| owned.owner == owner)
    }

    /// The driver has freed it; whether its page is empty now, and its bytes go back.
    pub fn freed(&mut self, address: u64, taken: Taken) -> bool {
        let at = address / PAGE;
        let Some(owned) = self.of(taken.owner, at) else { return false };
        owned.page.freed(unit_of(address), taken.units());
        let emptied = owned.page.live == 0;
        // An empty one stays in the books, uncharged: the next is likely to lie there again.
        if !emptied {
            self.remember(taken.owner, at);
        }
        emptied
    }

    /// The driver did not free it after all.
    pub fn put_back(&mut self, address: u64, taken: Taken) {
        if let Some(owned) = self.of(taken.owner, address / PAGE) {
            owned.page.put_back(unit_of(address), taken.units());
        }
    }

    /// Takes out everything an owner has.
    pub fn forget(&mut self, owner: Owner) -> Gone {
        self.recent.retain(|recent| recent.owner != owner);
        Gone { pages: self.pages.extract(|owned| owned.is_charged_to(owner)) }
    }

    /// The owner is there after all: the tags of pages that are known by now, and were charged again.
    pub fn remember_all(&mut self, gone: Gone) -> Vec<u16> {
        let mut twice = Vec::new();
        for (at, owned) in gone.pages {
            match self.pages.find(at) {
                Some(there) if there.page.live > 0 => {
                    there.page.merge(&owned.page);
                    twice.push(owned.tag);
                }
                Some(there) => *there = owned,
                None => self.pages.insert(at, owned),
            }
        }
        twice
    }

    /// How many pages an owner has.
    pub fn count(&self, owner: Owner) -> usize {
        self.pages.iter().filter(|owned| owned.is_charged_to(owner)).count()
    }

    #[inline]
    fn remember(&mut self, owner: Owner, page: u64) -> &mut Recent {
        let at = self.recent.iter().position(|recent| recent.owner == owner);
        let at = at.unwrap_or_else(|| {
            self.recent.push(Recent { owner, page, promised: 0, spare: 0 });
            self.recent.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        let recent = &mut self.recent[at];
        recent.page = page;
        recent
    }
}

const _: () = assert!(UNITS * UNIT as usize == PAGE as usize);
