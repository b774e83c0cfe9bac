//! What an owner does to its lane: charge and give back, the plain way; `contend.rs` has the rest.
//!
//! The commit is one swap of the total. Before it nothing has happened, after it everything has:
//! a process that dies between any two instructions leaves a ledger that is exact.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::reap::Living;
use super::{Account, Answer, Change, Lane, MOST_BYTES, Rules, Slot, Total, TotalWord, Word};

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
    /// The total as we left it, or found it when we joined. The lane was ours then: once we have committed
    /// it was closed only if there were more reaps since. (They wrap: after exactly 2^16 the lane has another owner.)
    pub last: Total,
    pub rules: PhantomData<R>,
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
        match self.at_once(account, change, idle, now) {
            Ok(()) => Answer::Done,
            Err(found) => self.among_others(account, found, (change, idle), now, living),
        }
    }

    /// The same where nothing stands in its way, as most often: it fits, nobody was reaped, and pools are
    /// not concerned. Else nothing has happened, and the total was last seen so.
    #[inline(always)]
    pub fn at_once<A: Word, T: TotalWord>(
        &mut self,
        account: &Account<A, T>,
        change: Change,
        idle: i64,
        now: u64,
    ) -> Result<(), Total> {
        // If nobody has committed since, nothing needs to be read, and if somebody has, the swap that
        // fails says what there is: the total's line comes over once, to be written.
        let mut total = self.last;
        let plain = idle == 0 && !self.stray && R::WHOLE;
        let Some(lane) = account.lane(self.lane).filter(|_| plain) else { return Err(total) };
        let Some((after, seq)) = self.write_next(&lane, change, 0, now) else { return Err(total) };
        let first = if R::LIMIT_AFTER_TOTAL { 0 } else { account.limit.load() };
        let mut stood_back = false;
        loop {
            if let Change::Reserve(bytes) = change {
                let limit = if R::LIMIT_AFTER_TOTAL { account.limit.load() } else { first };
                if total.used.saturating_add(bytes) > limit.min(MOST_BYTES) {
                    return Err(total);
                }
            }
            if R::HELPS && usize::from(total.lane) != self.lane {
                account.help(total);
            }
            account.note_held(total, change);
            let next = self.total_after(total, &after, seq);
            match account.total.replace(total, next) {
                Ok(()) => {
                    // What it cannot have changed is not written again.
                    let Slot { charge, untracked, time, moment, .. } = after;
                    self.slot = Slot { charge, untracked, time, moment, ..self.slot };
                    (self.seq, self.last) = (seq, next);
                    return Ok(());
                }
                Err(found) if R::NOTICES_REAPS && found.reaps != self.last.reaps => {
                    return Err(found);
                }
                Err(found) => {
                    self.stand_back_once(account, now, &mut stood_back);
                    total = found;
                }
            }
        }
    }

    /// After a swap that failed. If we committed just before, so do others, as often as we: then each of us
    /// waits at every commit until the word has come over from another processor, which takes as long as
    /// many commits to a word that is here. So we leave it to them once, and have it when they do the same.
    /// How long that takes is nobody's to change but ours: a member that stops or dies keeps us no longer.
    #[inline(always)]
    pub(super) fn stand_back_once<A: Word, T: TotalWord>(
        &self,
        account: &Account<A, T>,
        now: u64,
        stood_back: &mut bool,
    ) {
        const JUST_BEFORE: u64 = 1000;
        if !core::mem::replace(stood_back, true) && now - self.slot.time.min(now) < JUST_BEFORE {
            account.total.stand_back();
        }
    }

    /// The slot after the change, written where the current one is not, and its number. Nothing if the
    /// lane is somebody else's by now, whose slots are not ours to write.
    #[inline(always)]
    pub(super) fn write_next<A: Word>(
        &self,
        lane: &Lane<A>,
        change: Change,
        idle: i64,
        now: u64,
    ) -> Option<(Slot, u64)> {
        if R::LOOKS_AT_OWNER && lane.owner().load() != self.id {
            return None;
        }
        // No commit is from before a sign of life that was given already.
        let after = self.slot.after(change, idle, now.max(lane.heartbeat().peek()));
        // Odd or even, the next even number.
        let seq = (self.seq | 1).wrapping_add(1);
        lane.write(seq, &after);
        Some((after, seq))
    }

    #[inline(always)]
    pub(super) fn total_after(&self, total: Total, after: &Slot, seq: u64) -> Total {
        let used = total.used.saturating_add(after.charge).saturating_sub(self.slot.charge);
        Total { used, lane: self.lane as u16, seq, ..total }
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
