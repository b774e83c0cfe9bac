//! Room that is promised in pages that are charged, and the pages that are left to whom it was promised to.
#![forbid(unsafe_code)]

use super::page::Page;
use super::recent::Recent;
use super::rules::Rules;
use super::{Owner, Pages, is_charged, units};

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
    pub(super) fn leave_page(&mut self, owner: Owner) -> bool {
        let mut recent = self.recent.iter_mut();
        let left = recent.find(|r| r.owner == owner && r.spare < r.needs::<R>());
        left.map(|recent| recent.spare += 1).is_some()
    }

    /// Takes a page that was left.
    pub fn take_spare(&mut self, owner: Owner) -> bool {
        let spare = self.recent.iter_mut().find(|r| r.owner == owner && r.spare > 0);
        spare.map(|recent| recent.spare -= 1).is_some()
    }
}
