//! The shared words of one device's account: a total, a limit, and a lane per member.
//!
//! Invariants, which hold between any two instructions of anybody:
//! - `total.used` is the sum of the lanes' charges. A lane's charge is that of the slot its current
//!   sequence number points at; the number is the larger of its `applied` and, if the lane committed
//!   last, the total's own.
//! - an even number is the owner's, an odd one says that the charge was taken off after its death.
//! - a lane's two slots are written by turns, and never the current one.
#![forbid(unsafe_code)]

use super::{Total, TotalWord, Word};

/// Words of a lane; the two slots follow its head, of which the owner reads one line all the time and
/// others write the second: a commit over another's must not take that one's line away.
pub const HEAD: usize = 16;
pub const SLOT: usize = 8;
pub const LANE: usize = HEAD + 2 * SLOT;

/// What stands where in a lane's head.
pub mod head {
    pub const OWNER: usize = 0;
    pub const HEARTBEAT: usize = 1;
    pub const NOTICED: usize = 2;
    pub const APPLIED: usize = 8;
}

/// What a lane says of its owner's memory as of one commit.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Bytes held.
    pub charge: u64,
    /// How many of them the driver took for itself.
    pub untracked: u64,
    /// Nanoseconds (of the clock all members share) at the commit.
    pub time: u64,
    /// The sum of every change times its moment: bytes·ns held until T are charge·T − moment.
    pub moment: u128,
    /// Bytes·ns that dead owners may or may not have held.
    pub uncertain: u128,
}

/// One lane's words.
pub struct Lane<'a, A> {
    head: &'a [A; HEAD],
    slots: [&'a [A; SLOT]; 2],
}

/// The account, over whatever words there are.
pub struct Account<'a, A, T> {
    pub total: T,
    pub limit: &'a A,
    /// The highest `used` that a commit replaced.
    pub peak: &'a A,
    /// `LANE` words for each lane. The last lane is nobody's: it names commits that only announce a
    /// changed limit.
    lanes: &'a [A],
}

impl<'a, A: Word, T: TotalWord> Account<'a, A, T> {
    pub fn new(total: T, limit: &'a A, peak: &'a A, lanes: &'a [A]) -> Account<'a, A, T> {
        Account { total, limit, peak, lanes }
    }

    /// How many members can have a lane.
    pub fn members(&self) -> usize {
        (self.lanes.len() / LANE).saturating_sub(1)
    }

    #[inline(always)]
    pub fn lane(&self, index: usize) -> Option<Lane<'a, A>> {
        let start = index.checked_mul(LANE)?;
        let words: &[A; LANE] = self.lanes.get(start..)?.first_chunk()?;
        let (head, rest) = words.split_first_chunk()?;
        let (even, odd) = rest.split_first_chunk()?;
        Some(Lane { head, slots: [even, odd.first_chunk()?] })
    }

    /// The lane's sequence number, given the total as it was just read.
    #[inline(always)]
    pub fn seq(&self, index: usize, total: Total) -> u64 {
        // SYNC POINT: whoever overwrites a tag raises `applied` first (`help`), so a number that is
        // not in the total any more is here.
        let applied = self.lane(index).map_or(0, |lane| lane.applied().load());
        if usize::from(total.lane) == index { applied.max(total.seq) } else { applied }
    }

    /// Before a tag is overwritten its number is kept where its lane can find it.
    #[inline(always)]
    pub fn help(&self, total: Total) {
        if let Some(lane) = self.lane(total.lane.into())
            && lane.applied().load() < total.seq
        {
            lane.applied().raise(total.seq);
        }
    }

    /// Before a total is overwritten it counts as held.
    #[inline(always)]
    pub fn note_peak(&self, total: Total) {
        if self.peak.peek() < total.used {
            self.peak.raise(total.used);
        }
    }
}

impl<'a, A: Word> Lane<'a, A> {
    /// Incarnation of the member it belongs to; 0 if nobody's. An incarnation is never given twice.
    #[inline(always)]
    pub fn owner(&self) -> &'a A {
        &self.head[head::OWNER]
    }

    /// When the owner was last known alive besides its commits. Raised by the owner only.
    pub fn heartbeat(&self) -> &'a A {
        &self.head[head::HEARTBEAT]
    }

    /// When the owner was found dead. Raised only.
    pub fn noticed(&self) -> &'a A {
        &self.head[head::NOTICED]
    }

    /// The last number that a later commit took out of the total. Raised only.
    #[inline(always)]
    pub fn applied(&self) -> &'a A {
        &self.head[head::APPLIED]
    }

    #[inline(always)]
    fn slot(&self, seq: u64) -> &'a [A; SLOT] {
        let [even, odd] = self.slots;
        if seq >> 1 & 1 == 0 { even } else { odd }
    }

    /// The slot that number points at. Whole only if the number was current before and after.
    pub fn read(&self, seq: u64) -> Slot {
        let [charge, untracked, time, moment, moment_high, uncertain, uncertain_high, _] =
            self.slot(seq);
        let wide = |low: &A, high: &A| u128::from(low.peek()) | u128::from(high.peek()) << 64;
        let slot = Slot {
            charge: charge.peek(),
            untracked: untracked.peek(),
            time: time.peek(),
            moment: wide(moment, moment_high),
            uncertain: wide(uncertain, uncertain_high),
        };
        // SYNC POINT: whoever saw a word of a later commit sees, from here on, that there was one.
        // The other end is in `write`.
        A::settle();
        slot
    }

    /// Only the owner, and never the current slot. The commit publishes it.
    #[inline(always)]
    pub fn write(&self, seq: u64, slot: &Slot) {
        let [charge, untracked, time, moment, moment_high, uncertain, uncertain_high, _] =
            self.slot(seq);
        // SYNC POINT: a reader that sees a word written here sees the commit that made this slot free,
        // and so that what it reads is not current. The other end is in `read`.
        A::seal();
        charge.put(slot.charge);
        untracked.put(slot.untracked);
        time.put(slot.time);
        moment.put(slot.moment as u64);
        moment_high.put((slot.moment >> 64) as u64);
        uncertain.put(slot.uncertain as u64);
        uncertain_high.put((slot.uncertain >> 64) as u64);
    }
}

impl Slot {
    /// Bytes·ns held until `time`.
    pub fn held_until(&self, time: u64) -> u128 {
        (u128::from(self.charge) * u128::from(time)).wrapping_sub(self.moment)
    }

    /// The slot of an owner after its charge was taken off: what it held for certain until its last
    /// sign of life, and what it may have held until its death was noticed.
    pub fn closed(&self, heartbeat: u64, noticed: u64) -> Slot {
        let last = self.time.max(heartbeat);
        let doubt = u128::from(self.charge) * u128::from(noticed.saturating_sub(last));
        Slot {
            charge: 0,
            untracked: 0,
            time: last,
            moment: 0_u128.wrapping_sub(self.held_until(last)),
            uncertain: self.uncertain.wrapping_add(doubt),
        }
    }
}
