//! Taking lanes and taking them back: joining, and giving a dead member's charge back to its client.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

use super::{Account, MOST_SEQ, Owned, Rules, Slot, Total, TotalWord, Word};

/// Who can tell whether an incarnation lives. What is dead stays dead; what lives may be said to be
/// alive a little longer than it is, never shorter.
pub trait Living {
    fn is_alive(&self, id: u64) -> bool;
}

/// Takes the charge of `owner`, who looked dead, off the total, and frees its lane; whether it was
/// this call that freed it. Whoever is late finds that it has been done.
pub fn reap<R: Rules, A: Word, T: TotalWord>(
    account: &Account<A, T>,
    index: usize,
    owner: u64,
    now: u64,
    living: &dyn Living,
) -> bool {
    let Some(lane) = account.lane(index) else { return false };
    loop {
        let seq = account.seq(index, account.total.read());
        if R::RECHECKS_OWNER && lane.owner().load() != owner {
            return false;
        }
        // After the number was read: what the dead wrote before is known, and nothing comes after.
        if living.is_alive(owner) {
            return false;
        }
        if is_closed(seq) || close::<R, A, T>(account, index, seq, now) {
            break;
        }
    }
    lane.owner().replace(owner, 0)
}

/// Whether a number says that the lane's charge is nobody's any more (or never was).
pub fn is_closed(seq: u64) -> bool {
    seq & 1 == 1 || seq == 0
}

/// Takes the charge at `seq` off the total; not if the lane has moved on since.
fn close<R: Rules, A: Word, T: TotalWord>(
    account: &Account<A, T>,
    index: usize,
    seq: u64,
    now: u64,
) -> bool {
    let Some(lane) = account.lane(index) else { return true };
    let slot = lane.read(seq);
    // The time until somebody noticed is kept apart; nobody looks at it before the commit.
    lane.noticed().raise(now);
    loop {
        let total = account.total.read();
        if R::RECHECKS_NUMBER && account.seq(index, total) > seq {
            return false;
        }
        if R::HELPS {
            account.help(total);
        }
        account.note_peak(total);
        let used = total.used.saturating_sub(slot.charge);
        let reaps = total.reaps.wrapping_add(1);
        let next = Total { used, reaps, lane: index as u16, seq: seq + 1 };
        if account.total.replace(total, next).is_ok() {
            return true;
        }
    }
}

/// Takes the lane `index` for the incarnation `id`, whose death others can see from now on. If its
/// last owner is dead, what that one held is given back first.
pub fn join<R: Rules, A: Word, T: TotalWord>(
    account: &Account<A, T>,
    index: usize,
    id: u64,
    now: u64,
    living: &dyn Living,
) -> Option<Owned<R>> {
    let lane = account.lane(index)?;
    while !lane.owner().replace(0, id) {
        let owner = lane.owner().load();
        if owner != 0 {
            if living.is_alive(owner) {
                return None;
            }
            reap::<R, A, T>(account, index, owner, now, living);
        }
    }
    let total = account.total.read();
    let seq = account.seq(index, total);
    if seq > MOST_SEQ {
        // Its next number would not fit in a total: nobody's any more.
        lane.owner().replace(id, 0);
        return None;
    }
    // What earlier owners held stays in the lane's sums.
    let slot = match seq {
        0 => Slot::default(),
        _ => lane.read(seq - 1).closed(lane.heartbeat().load(), lane.noticed().load()),
    };
    // What its last owner noted and did not live to commit is ours to write over.
    let (note, stray) = (lane.note(seq.saturating_sub(1)), R::WRITES_NOTES_ANEW);
    Some(Owned { lane: index, id, seq, slot, note, stray, last: total, rules: PhantomData })
}

/// Gives up an own lane: as a reap, by the owner itself.
pub fn leave<R: Rules, A: Word, T: TotalWord>(account: &Account<A, T>, owned: Owned<R>, now: u64) {
    struct Nobody;
    impl Living for Nobody {
        fn is_alive(&self, _: u64) -> bool {
            false
        }
    }
    if let Some(lane) = account.lane(owned.lane)
        && lane.owner().load() == owned.id
    {
        lane.heartbeat().raise(now);
        reap::<R, A, T>(account, owned.lane, owned.id, now, &Nobody);
    }
}
