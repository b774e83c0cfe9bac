//! What is on its way for an owner.
#![forbid(unsafe_code)]

use super::Owner;
use super::rules::Rules;

pub struct Recent {
    pub owner: Owner,
    /// Where the last request went or was freed.
    pub page: u64,
    /// Requests the driver is being asked for without a page of their own, the units of all of them, and no
    /// fewer than those of the largest.
    waiting: usize,
    promised: usize,
    largest: usize,
    /// Charged pages that were left to those, one for each at most: of others, who found room after all,
    /// and what was theirs to be placed in and has gone empty.
    pub spare: usize,
}

impl Recent {
    pub fn new(owner: Owner, page: u64) -> Recent {
        Recent { owner, page, waiting: 0, promised: 0, largest: 0, spare: 0 }
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// How many wait, and units no fewer than those of the largest.
    pub fn those_who_wait(&self) -> (usize, usize) {
        (self.waiting, self.largest)
    }

    /// How long a run of free units has room for one more beside all that wait: wherever in it the driver
    /// puts those, there is a piece between them that is long enough for any.
    #[inline(always)]
    pub fn wants<R: Rules>(&self, units: usize) -> usize {
        match self.waiting {
            0 => units,
            pieces if R::COUNTS_PIECES => units + self.promised + pieces * self.largest.max(units),
            _ => units + self.promised,
        }
    }

    #[inline(always)]
    pub fn waits(&mut self, units: usize) {
        self.waiting += 1;
        self.promised += units;
        self.largest = self.largest.max(units);
    }

    /// One that waited does no longer: how many spare pages nobody needs any more.
    #[inline(always)]
    pub fn ends<R: Rules>(&mut self, units: usize) -> usize {
        self.promised = self.promised.saturating_sub(units);
        self.waiting = self.waiting.saturating_sub(1);
        if self.waiting == 0 {
            self.largest = 0;
        }
        let over = self.spare.saturating_sub(self.needs::<R>());
        self.spare -= over;
        over
    }

    /// How many pages may be left to those who wait.
    #[inline(always)]
    pub fn needs<R: Rules>(&self) -> usize {
        if R::ONE_EACH || self.waiting == 0 { self.waiting } else { usize::MAX }
    }
}
