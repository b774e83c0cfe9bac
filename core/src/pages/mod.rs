//! Small requests: the driver cuts them out of pages, and what is held of the device is pages. Where
//! an address lies says which; what has room says whether the next request takes a new one.
#![forbid(unsafe_code)]

mod known;
mod marks;
mod page;
mod promise;
mod recent;
mod rules;
#[cfg(test)]
mod tests;
mod told;

use core::marker::PhantomData;

use crate::grain::{PAGE, SMALL, UNIT, round};
use known::Known;
use marks::UNITS;
use page::Page;
use recent::Recent;
use rules::{Exact, Rules};
pub use told::{Gone, Left, Placed, Taken};

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

    /// The driver did not free it after all; false if it has given its place to another.
    pub fn put_back(&mut self, address: u64, taken: Taken) -> bool {
        let page = self.of(taken.owner, address / PAGE);
        page.is_some_and(|mut page| page.put_back(unit_of(address)))
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

    /// How many pages, of the tags that are wanted, are held for certain.
    pub fn surely_held(&mut self, wanted: impl Fn(u16) -> bool) -> usize {
        let held = |page: &Page| page.is_surely_held() && wanted(page.tag());
        self.pages.iter_mut().filter(|(_, page)| held(page)).count()
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
