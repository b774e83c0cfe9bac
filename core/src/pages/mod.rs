//! Small requests: the driver cuts them out of pages, and what is held of the device is pages. Where
//! an address lies says which; what has room says whether the next request takes a new one.
#![forbid(unsafe_code)]

mod known;
mod marks;
mod page;
mod recent;
mod rules;
#[cfg(test)]
mod tests;

use core::marker::PhantomData;
use core::num::NonZero;

use crate::grain::{PAGE, SMALL, UNIT, round};
use known::Known;
use marks::UNITS;
use page::{Out, Page};
use recent::Recent;
use rules::{Exact, Rules};

/// Whose pages are whose: requests of one owner share pages.
pub type Owner = u64;

/// The pages of small requests of one process.
#[derive(Default)]
pub struct Pages<R = Exact> {
    pages: Known,
    recent: Vec<Recent>,
    /// Pages that the driver has given to others.
    moved: Vec<Left>,
    rules: PhantomData<R>,
}

/// What came of a request the driver has placed, in one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// It took a page nobody is charged for; not if that was reserved for it.
    pub new: bool,
    /// So many charged pages nobody needs any more.
    pub spare: u32,
    /// There are some that `take_moved` tells of.
    pub moved: bool,
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
    pages: Vec<(u64, Out)>,
}

/// A page that is no longer its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub owner: Owner,
    pub tag: u16,
    /// How many requests lay there, with how many bytes; those that were taken out are told of by who took
    /// them.
    pub requests: (u64, u64),
    /// Whether its charge is to be given back.
    pub charged: bool,
}

impl Left {
    fn of(mut out: Out) -> Left {
        let page = out.page();
        let (count, units) = page.begun();
        let charged = !page.is_owed();
        Left { owner: page.owner(), tag: page.tag(), requests: (count, units * UNIT), charged }
    }
}

impl Gone {
    pub fn pages(self) -> impl Iterator<Item = Left> {
        self.pages.into_iter().map(|(_, out)| Left::of(out))
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

/// Whether somebody lies there, and so the page is charged to that owner.
fn is_charged(page: &Page, owner: Owner) -> bool {
    page.owner() == owner && page.is_charged()
}

fn units(bytes: u64) -> usize {
    (round(bytes.max(1), UNIT) / UNIT) as usize
}

fn unit_of(address: u64) -> usize {
    (address % PAGE / UNIT) as usize
}

impl<R: Rules> Pages<R> {
    /// Promises room to a request if there surely is some, at the price of one look. What is promised
    /// is `kept` when the driver has answered.
    #[inline]
    pub fn promise(&mut self, owner: Owner, bytes: u64) -> bool {
        let Some(recent) = self.recent.iter_mut().find(|recent| recent.owner == owner) else {
            return false;
        };
        let room = self.pages.find(recent.page).filter(|page| is_charged(page, owner));
        let wanted = recent.wants::<R>(units(bytes));
        let fits = room.is_some_and(|mut page| page.surely_has(wanted));
        if fits {
            recent.waits(units(bytes));
        }
        fits
    }

    /// As above, after a look at all of the owner's pages. Enough of them do as well: each that waits is put
    /// into one of them.
    pub fn promise_anywhere(&mut self, owner: Owner, bytes: u64) -> bool {
        let recent = self.recent.iter().find(|recent| recent.owner == owner);
        let wanted = recent.map_or(units(bytes), |recent| recent.wants::<R>(units(bytes)));
        let (waiting, largest) = recent.map_or((0, 0), Recent::those_who_wait);
        let mut pieces = 0;
        let fits = |(at, mut page): (u64, Page)| {
            if !is_charged(&page, owner) {
                return None;
            }
            pieces += usize::from(page.has_room(largest.max(units(bytes))));
            (page.has_room(wanted) || pieces > waiting).then_some(at)
        };
        let Some(page) = self.pages.iter_mut().find_map(fits) else { return false };
        self.remember(owner, page).waits(units(bytes));
        true
    }

    /// Whether it depends on those who wait that a request is not promised room.
    pub fn may_have_room(&mut self, owner: Owner, bytes: u64) -> bool {
        let mut recent = self.recent.iter();
        recent.any(|recent| recent.owner == owner && recent.is_waiting())
            && self
                .pages
                .iter_mut()
                .any(|(_, mut page)| is_charged(&page, owner) && page.has_room(units(bytes)))
    }

    /// A promised request is over, well or not: how many spare pages nobody needs any more.
    pub fn kept(&mut self, owner: Owner, bytes: u64) -> usize {
        let recent = self.recent.iter_mut().find(|recent| recent.owner == owner);
        recent.map_or(0, |recent| recent.ends::<R>(units(bytes)))
    }

    /// Leaves a charged page to those who were promised room that was taken instead; false if they have
    /// enough, or there is nobody.
    fn leave_page(&mut self, owner: Owner) -> bool {
        let mut recent = self.recent.iter_mut();
        let left = recent.find(|r| r.owner == owner && r.spare < r.needs::<R>());
        left.map(|recent| recent.spare += 1).is_some()
    }

    /// Takes a page that was left.
    pub fn take_spare(&mut self, owner: Owner) -> bool {
        let spare = self.recent.iter_mut().find(|r| r.owner == owner && r.spare > 0);
        spare.map(|recent| recent.spare -= 1).is_some()
    }

    /// The driver has put a promised request there. If that took a page that is not charged yet it is owed,
    /// and the request is not over: others may still leave a page to it.
    #[inline]
    pub fn place_promised(
        &mut self,
        owner: Owner,
        tag: u16,
        address: u64,
        (taken, promised): (u64, u64),
    ) -> Placed {
        let (took, moved) = self.place(owner, tag, address, taken);
        let new = took && !self.take_spare(owner);
        if new && let Some(mut page) = self.of(owner, address / PAGE) {
            page.owe(R::OWES);
        }
        let over = !new || !R::WAITS_FOR_PAGE;
        Placed { new, spare: if over { self.kept(owner, promised) as u32 } else { 0 }, moved }
    }

    /// The driver has put a request there for which a page was reserved: spare if it found room after all,
    /// and nobody needs that page.
    #[inline]
    pub fn place_reserved(&mut self, owner: Owner, tag: u16, address: u64, bytes: u64) -> Placed {
        let (took, moved) = self.place(owner, tag, address, bytes);
        let needed = took || self.leave_page(owner);
        Placed { new: false, spare: u32::from(!needed), moved }
    }

    /// Whether that took a page nobody is charged for, and whether it was another owner's.
    #[inline(always)]
    fn place(&mut self, owner: Owner, tag: u16, address: u64, bytes: u64) -> (bool, bool) {
        let at = address / PAGE;
        let mut page = self.pages.find_or_make(at);
        let moved = page.is_charged() && page.owner() != owner && R::MOVES;
        if moved {
            self.take_away(at);
            page = self.pages.find_or_make(at);
        }
        let new = !page.is_charged();
        if new {
            page.begin(owner, tag);
        }
        page.place::<R>(unit_of(address), units(bytes));
        self.remember(owner, at);
        (new, moved)
    }

    /// The driver has given a page to another owner: all who had it are gone, though that has not been said
    /// of each.
    #[cold]
    #[inline(never)]
    fn take_away(&mut self, at: u64) {
        let mut left = Left::of(self.pages.find_or_make(at).take_out());
        left.charged = left.charged && !self.leave_page(left.owner);
        self.moved.push(left);
    }

    pub fn take_moved(&mut self) -> Vec<Left> {
        core::mem::take(&mut self.moved)
    }

    /// Takes out the request at an address, if it is one, before the driver frees it.
    pub fn take(&mut self, address: u64) -> Option<Taken> {
        let mut page = self.pages.find(address / PAGE)?;
        if !address.is_multiple_of(UNIT) {
            return None;
        }
        let units = page.take(unit_of(address))?;
        Taken::new(page.owner(), page.tag(), units)
    }

    /// The page, unless another owner has it since: what was there went with the owner.
    fn of(&mut self, owner: Owner, page: u64) -> Option<Page<'_>> {
        self.pages.find(page).filter(|page| page.owner() == owner)
    }

    /// The driver has freed it; whether its page is empty now, and its bytes go back. Not while somebody
    /// was promised to be placed there: the driver may have given it back, and take another for that one.
    pub fn freed(&mut self, address: u64, taken: Taken) -> bool {
        let at = address / PAGE;
        let Some(mut page) = self.of(taken.owner, at) else { return false };
        let emptied = page.freed::<R>(unit_of(address), taken.units());
        // An empty one stays in the books, uncharged: the next is likely to lie there again.
        if emptied.is_none() {
            self.remember(taken.owner, at);
        }
        emptied == Some(true) && !(R::STAYS && self.leave_page(taken.owner))
    }

    /// A page was charged for one that took a new one; false if that is nobody's any more, or somebody
    /// else's, and the charge goes back.
    pub fn pay(&mut self, owner: Owner, address: u64) -> bool {
        self.of(owner, address / PAGE).is_some_and(|mut page| page.pay())
    }

    /// The same as `freed` for one whose page is owed: whether others lie there by now, for whom it is to
    /// be charged.
    pub fn freed_uncharged(&mut self, address: u64, taken: Taken) -> bool {
        let page = self.of(taken.owner, address / PAGE);
        page.is_some_and(|mut page| {
            page.freed::<R>(unit_of(address), taken.units());
            page.is_owed()
        })
    }

    /// The driver did not free it after all.
    pub fn put_back(&mut self, address: u64, taken: Taken) {
        if let Some(mut page) = self.of(taken.owner, address / PAGE) {
            page.put_back(unit_of(address));
        }
    }

    /// Takes out everything an owner has.
    pub fn forget(&mut self, owner: Owner) -> Gone {
        self.recent.retain(|recent| recent.owner != owner || recent.is_waiting());
        let own = self.pages.iter_mut().filter(|(_, page)| is_charged(page, owner));
        Gone { pages: own.map(|(at, page)| (at, page.take_out())).collect() }
    }

    /// The owner is there after all: the tags of pages that are known by now, and were charged again.
    pub fn remember_all(&mut self, gone: Gone) -> Vec<u16> {
        let mut twice = Vec::new();
        for (at, mut out) in gone.pages {
            let (mut there, out) = (self.pages.find_or_make(at), out.page());
            let paid = !out.is_owed();
            if !there.is_charged() {
                there.begin(out.owner(), out.tag());
                there.owe(!paid);
            } else if !there.is_owed() && paid {
                twice.push(out.tag());
            } else {
                there.owe(there.is_owed() && !paid);
            }
            there.merge(&out);
        }
        twice
    }

    /// How many pages an owner has.
    pub fn count(&mut self, owner: Owner) -> usize {
        self.pages.iter_mut().filter(|(_, page)| is_charged(page, owner)).count()
    }

    #[inline]
    fn remember(&mut self, owner: Owner, page: u64) -> &mut Recent {
        let at = self.recent.iter().position(|recent| recent.owner == owner);
        let at = at.unwrap_or_else(|| {
            self.recent.push(Recent::new(owner, page));
            self.recent.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        let recent = &mut self.recent[at];
        recent.page = page;
        recent
    }
}

const _: () = assert!(UNITS * UNIT as usize == PAGE as usize);
