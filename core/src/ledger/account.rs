//! The shared words of one device's account: a total, a limit, and a lane per member.
//!
//! Invariants, which hold between any two instructions of anybody:
//! - `total.used` is the sum of the lanes' charges. A lane's charge is that of the slot its current
//!   sequence number points at; the number is the larger of its `applied` and, if the lane committed
//!   last, the total's own.
//! - an even number is the owner's, an odd one says that the charge was taken off after its death.
//! - a lane's two slots are written by turns, and never the current one.
//! - what pools have idle changes seldom, and is kept beside the slots in two notes: the current one is
//!   that with the highest number which is not above the lane's own. It is never written.
#![forbid(unsafe_code)]

use super::{Change, Total, TotalWord, Word};

/// Words of a lane; the two slots and then the two notes follow its head, of which the owner reads one line all the time and
/// others write the second: a commit over another's must not take that one's line away.
pub const HEAD: usize = 16;
pub const SLOT: usize = 8;
pub const NOTE: usize = 4;
pub const LANE: usize = HEAD + 2 * SLOT + 2 * NOTE;

/// What stands where in a lane's head.
pub mod head {
    pub const OWNER: usize = 0;
    pub const HEARTBEAT: usize = 1;
    pub const NOTICED: usize = 2;
    /// What the owner was granted of the SMs, which no commit is about: for which incarnation that is said,
    /// how many, bit 32: by MPS, bit 33: reserved for it.
    pub const GRANTED_TO: usize = 3;
    pub const GRANT: usize = 4;
    /// An incarnation that found no room for its counts: what it has in flight cannot be told.
    pub const BLIND: usize = 5;
    /// When the owner was told to stop, once it has, and all its work here is done.
    pub const STOPPED: usize = 6;
    pub const APPLIED: usize = 8;
}

/// What of a charge pools have reserved and handed out to nobody.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Idle {
    /// It may be below 0 for a moment: what a pool hands out and what it is charged for are two changes.
    pub bytes: i64,
    /// As `Slot::moment`, in the arithmetic of signed numbers.
    pub moment: u128,
}

impl Idle {
    #[inline(always)]
    pub(super) fn after(self, more: i64, time: u64) -> Idle {
        let moment = i128::from(more).wrapping_mul(i128::from(time));
        Idle {
            bytes: self.bytes.wrapping_add(more),
            moment: self.moment.wrapping_add(moment.cast_unsigned()),
        }
    }

    /// Bytes·ns until `time`.
    pub fn until(&self, time: u64) -> i128 {
        let whole = i128::from(self.bytes).wrapping_mul(i128::from(time));
        whole.wrapping_sub(self.moment.cast_signed())
    }

    /// What is left of a dead owner's: the sum until its last sign of life.
    fn closed(&self, last: u64) -> Idle {
        Idle { bytes: 0, moment: 0_i128.wrapping_sub(self.until(last)).cast_unsigned() }
    }
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
    pub idle: Idle,
}

/// One lane's words.
pub struct Lane<'a, A> {
    head: &'a [A; HEAD],
    slots: [&'a [A; SLOT]; 2],
    notes: [&'a [A; NOTE]; 2],
}

/// The account, over whatever words there are.
pub struct Account<'a, A, T> {
    pub total: T,
    pub limit: &'a A,
    /// The highest `used` that a commit replaced, other than by taking out what nobody came to hold.
    pub peak: &'a A,
    /// The last lane is nobody's: it names commits that only announce a changed limit.
    lanes: &'a [[A; LANE]],
}

impl<'a, A: Word, T: TotalWord> Account<'a, A, T> {
    pub fn new(total: T, limit: &'a A, peak: &'a A, lanes: &'a [[A; LANE]]) -> Account<'a, A, T> {
        Account { total, limit, peak, lanes }
    }

    /// How many members can have a lane.
    pub fn members(&self) -> usize {
        self.lanes.len().saturating_sub(1)
    }

    #[inline(always)]
    pub fn lane(&self, index: usize) -> Option<Lane<'a, A>> {
        let (head, rest) = self.lanes.get(index)?.split_first_chunk()?;
        let (even, rest) = rest.split_first_chunk()?;
        let (odd, rest) = rest.split_first_chunk()?;
        let (first, second) = rest.split_first_chunk()?;
        Some(Lane { head, slots: [even, odd], notes: [first, second.first_chunk()?] })
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

    /// Before a total is overwritten it counts as held. Not by who takes out of it what nobody held: the
    /// rest counts when that is overwritten.
    #[inline(always)]
    pub fn note_held(&self, total: Total, change: Change) {
        if !matches!(change, Change::Undo(_)) {
            self.note_peak(total);
        }
    }

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
            idle: self.idle(seq),
        };
        // SYNC POINT: whoever saw a word of a later commit sees, from here on, that there was one.
        // The other end is in `write`.
        A::settle();
        slot
    }

    /// Which note is current at that number: the first if neither is.
    pub(super) fn note(&self, seq: u64) -> usize {
        let [first, second] = self.notes.map(|[since, ..]| since.peek());
        usize::from(second <= seq && (first > seq || first < second))
    }

    fn note_at(&self, at: usize) -> &'a [A; NOTE] {
        let [first, second] = self.notes;
        if at == 0 { first } else { second }
    }

    fn idle(&self, seq: u64) -> Idle {
        let [since, bytes, moment, moment_high] = self.note_at(self.note(seq));
        if since.peek() > seq {
            return Idle::default();
        }
        let moment = u128::from(moment.peek()) | u128::from(moment_high.peek()) << 64;
        Idle { bytes: bytes.peek().cast_signed(), moment }
    }

    /// Only the owner, and never the note that is current. The commit of that number publishes it.
    #[cold]
    pub fn write_note(&self, at: usize, number: u64, idle: Idle) {
        let [since, bytes, moment, moment_high] = self.note_at(at);
        since.put(number);
        bytes.put(idle.bytes.cast_unsigned());
        moment.put(idle.moment as u64);
        moment_high.put((idle.moment >> 64) as u64);
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
            idle: self.idle.closed(last),
        }
    }
}
