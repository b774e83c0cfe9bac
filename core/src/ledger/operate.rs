//! What an owner does to its lane: charge, give back, and notice that it was taken for dead.
//!
//! The commit is one swap of the total. Before it nothing has happened, after it everything has:
//! a process that dies between any two instructions leaves a ledger that is exact.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::reap::{self, Living};
use super::{Account, Lane, MOST_BYTES, Rules, Slot, Total, TotalWord, Word};

/// An owner's side of its lane. Not shared between processes; whoever uses it from several threads
/// locks it.
#[derive(Clone, Copy, Debug)]
pub struct Owned<R> {
    pub lane: usize,
    /// Our incarnation.
    pub id: u64,
    /// The lane's number as we left it.
    pub seq: u64,
    /// The lane's slot as we left it.
    pub slot: Slot,
    /// Which note is the lane's current one, and whether the other may say something that no commit of
    /// ours has published, which the number of the next would make current.
    pub note: usize,
    pub stray: bool,
    /// The total as we left it, or found it when we joined. The lane was ours then: it was closed only
    /// if there were more reaps since. (They wrap: after exactly 2^16 the lane has another owner.)
    pub last: Total,
    pub rules: PhantomData<R>,
}

/// A change of what a lane holds.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Bytes asked for: refused beyond the limit.
    Reserve(u64),
    /// Bytes given back.
    Refund(u64),
    /// Bytes that are held already, whatever the limit says.
    Force(u64),
    /// What the driver holds for itself, in place of the last such figure.
    Untracked(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Done,
    /// It did not fit, at a moment during the call.
    Refused {
        used: u64,
        limit: u64,
    },
    /// We were taken for dead: our lane is not ours any more, and counts nothing of ours.
    Lost,
}

impl Slot {
    /// The slot after a change at `time`, with so much more of it idle.
    #[inline(always)]
    fn after(&self, change: Change, idle: i64, time: u64) -> Slot {
        let (charge, untracked) = match change {
            Change::Reserve(bytes) | Change::Force(bytes) => {
                (self.charge.saturating_add(bytes), self.untracked)
            }
            Change::Refund(bytes) => (self.charge.saturating_sub(bytes), self.untracked),
            Change::Untracked(bytes) => {
                let tracked = self.charge.saturating_sub(self.untracked);
                (tracked.saturating_add(bytes), bytes)
            }
        };
        let time = time.max(self.time);
        let by = |bytes: u64| u128::from(bytes) * u128::from(time);
        let moment = match charge.checked_sub(self.charge) {
            Some(more) => self.moment.wrapping_add(by(more)),
            None => self.moment.wrapping_sub(by(self.charge - charge)),
        };
        let idle = if idle == 0 { self.idle } else { self.idle.after(idle, time) };
        Slot { charge, untracked, time, moment, uncertain: self.uncertain, idle }
    }
}

impl<R: Rules> Owned<R> {
    /// Applies a change, or says why not. `now` is the time all members share.
    #[inline(always)]
    pub fn change<A: Word, T: TotalWord>(
        &mut self,
        account: &Account<A, T>,
        change: Change,
        now: u64,
        living: &dyn Living,
    ) -> Answer {
        self.change_with_idle(account, change, 0, now, living)
    }

    /// The same, with so many bytes more, or less, that pools have reserved and handed out to nobody.
    #[inline(always)]
    pub fn change_with_idle<A: Word, T: TotalWord>(
        &mut self,
        account: &Account<A, T>,
        change: Change,
        idle: i64,
        now: u64,
        living: &dyn Living,
    ) -> Answer {
        let Some(lane) = account.lane(self.lane) else { return Answer::Lost };
        // Somebody else's slots are not ours to write.
        if lane.owner().load() != self.id {
            return Answer::Lost;
        }
        // No commit is from before a sign of life that was given already.
        let after = self.slot.after(change, idle, now.max(lane.heartbeat().peek()));
        // Odd or even, the next even number: the slot that is not current.
        let seq = (self.seq | 1).wrapping_add(1);
        lane.write(seq, &after);
        let other = self.note ^ 1;
        let notes = idle != 0 || self.stray;
        if notes {
            lane.write_note(other, seq, after.idle);
            self.stray = R::WRITES_NOTES_ANEW;
        }
        let first = if R::LIMIT_AFTER_TOTAL { 0 } else { account.limit.load() };
        // If nobody has committed since, nothing needs to be read, and if somebody has, the swap that
        // fails says what there is: the total's line comes over once, to be written.
        let mut total = self.last;
        // The limit as it was before the total was read, if it was.
        let mut read = None;
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
            if total.reaps != self.last.reaps && account.seq(self.lane, total) > self.seq {
                return Answer::Lost;
            }
            if R::HELPS && usize::from(total.lane) != self.lane {
                account.help(total);
            }
            account.note_peak(total);
            let used = total.used.saturating_add(after.charge).saturating_sub(self.slot.charge);
            let used = if R::WHOLE { used } else { total.used };
            let next = Total { used, lane: self.lane as u16, seq, ..total };
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
                Err(now) => (total, read) = (now, None),
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

/// Announces a limit that was just written: no commit that read the old one succeeds after this.
pub fn announce<R: Rules, A: Word, T: TotalWord>(account: &Account<A, T>) {
    if !R::ANNOUNCES_LIMIT {
        return;
    }
    let nobody = account.members();
    loop {
        let total = account.total.read();
        let seq = (account.seq(nobody, total) | 1).wrapping_add(1);
        account.help(total);
        if account.total.replace(total, Total { lane: nobody as u16, seq, ..total }).is_ok() {
            return;
        }
    }
}
