//! A change of what a lane holds, and what becomes of it.
#![forbid(unsafe_code)]

use super::Slot;

/// A change of what a lane holds.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Bytes asked for: refused beyond the limit.
    Reserve(u64),
    /// Bytes given back.
    Refund(u64),
    /// Bytes that were reserved, and that nobody came to hold: none of what was held at most.
    Undo(u64),
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
    pub(super) fn after(&self, change: Change, idle: i64, time: u64) -> Slot {
        let (charge, untracked) = match change {
            Change::Reserve(bytes) | Change::Force(bytes) => {
                (self.charge.saturating_add(bytes), self.untracked)
            }
            Change::Refund(bytes) | Change::Undo(bytes) => {
                (self.charge.saturating_sub(bytes), self.untracked)
            }
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
