//! What an owner does when something stands in its way: refuse what does not fit, take the dead off, and
//! notice that it was taken for dead itself.
#![forbid(unsafe_code)]

use super::reap::{self, Living};
use super::{
    Account, Answer, Change, Lane, MOST_BYTES, Owned, Rules, Slot, Total, TotalWord, Word,
};

impl<R: Rules> Owned<R> {
    /// The same whatever others do, from a total as it was last seen.
    #[inline]
    pub fn among_others<A: Word, T: TotalWord>(
        &mut self,
        account: &Account<A, T>,
        mut total: Total,
        (change, idle): (Change, i64),
        now: u64,
        living: &dyn Living,
    ) -> Answer {
        let Some(lane) = account.lane(self.lane) else { return Answer::Lost };
        let Some((after, seq)) = self.write_next(&lane, change, idle, now) else {
            return Answer::Lost;
        };
        let other = self.note ^ 1;
        let notes = idle != 0 || self.stray;
        if notes {
            lane.write_note(other, seq, after.idle);
            self.stray = R::WRITES_NOTES_ANEW;
        }
        let first = if R::LIMIT_AFTER_TOTAL { 0 } else { account.limit.load() };
        // The limit as it was before the total was read, if it was.
        let mut read = None;
        let mut stood_back = false;
        loop {
            if let Change::Reserve(bytes) = change {
                let limit = if R::LIMIT_AFTER_TOTAL { account.limit.load() } else { first };
                if total.used.saturating_add(bytes) > limit.min(MOST_BYTES) {
                    let settled = read.is_some_and(|before| before == limit || !R::RECHECKS_LIMIT);
                    if settled && self.refuse(account, total, now, living) {
                        return Answer::Refused { used: total.used, limit };
                    }
                    read = Some(account.limit.load());
                    total = account.total.read();
                    continue;
                }
            }
            // Nobody was reaped, so neither were we: then others' line of the lane need not be read.
            // Before our first commit that says nothing: there was no charge to be taken off.
            let last = self.last.reaps;
            let reaped = R::NOTICES_REAPS && (total.reaps != last || reap::is_closed(self.seq));
            if reaped && account.seq(self.lane, total) > self.seq {
                return Answer::Lost;
            }
            if R::HELPS && usize::from(total.lane) != self.lane {
                account.help(total);
            }
            account.note_held(total, change);
            let mut next = self.total_after(total, &after, seq);
            if !R::WHOLE {
                next.used = total.used;
            }
            match account.total.replace(total, next) {
                Ok(()) => {
                    if !R::WHOLE {
                        self.add_separately(account, &after);
                    }
                    (self.seq, self.slot, self.last) = (seq, after, next);
                    if notes {
                        (self.note, self.stray) = (other, false);
                    }
                    return Answer::Done;
                }
                Err(found) => {
                    self.stand_back_once(account, now, &mut stood_back);
                    (total, read) = (found, None);
                }
            }
        }
    }

    /// Whether a refusal is just: everybody whose charge stood in the way is alive, and was counted
    /// when the total was read. The dead are reaped on the way.
    #[cold]
    fn refuse<A: Word, T: TotalWord>(
        &self,
        account: &Account<A, T>,
        total: Total,
        now: u64,
        living: &dyn Living,
    ) -> bool {
        for index in (0..account.members()).filter(|index| *index != self.lane) {
            let owner = account.lane(index).map_or(0, |lane: Lane<A>| lane.owner().load());
            if owner != 0 && !living.is_alive(owner) {
                reap::reap::<R, A, T>(account, index, owner, now, living);
                return false;
            }
        }
        !R::COUNTS_REAPS || account.total.read().reaps == total.reaps
    }

    /// The broken variant's second step.
    #[cold]
    fn add_separately<A: Word, T: TotalWord>(&self, account: &Account<A, T>, after: &Slot) {
        loop {
            let total = account.total.read();
            let used = total.used.saturating_add(after.charge).saturating_sub(self.slot.charge);
            if account.total.replace(total, Total { used, ..total }).is_ok() {
                return;
            }
        }
    }
}
