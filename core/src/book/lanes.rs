//! What the lanes of a device's account say, as words copied from a file: the same as `ledger` makes of
//! them, without believing any.
#![forbid(unsafe_code)]

use super::layout::device;
use super::read::Copied;
use crate::ledger::{HEAD, Idle, LANE, NOTE, SLOT, Slot, Total, head, is_closed};

/// What a lane says.
pub(super) struct LaneReport {
    pub owner: u64,
    /// As of its last commit; empty if that took it off.
    pub slot: Slot,
    /// When its owner was last known alive.
    pub last: u64,
    /// When its last owner was found dead.
    pub noticed: u64,
}

pub(super) fn lanes(words: &Copied, places: usize) -> Vec<LaneReport> {
    let total = Total::from_halves([words.get(device::TOTAL), words.get(device::TOTAL + 1)]);
    let lane = |index: usize| {
        let [owner, applied, heartbeat, noticed] =
            [head::OWNER, head::APPLIED, head::HEARTBEAT, head::NOTICED]
                .map(|word| words.get(device::LANES + index * LANE + word));
        let last = usize::from(total.lane) == index;
        let seq = if last { applied.max(total.seq) } else { applied };
        // The last even number's slot, whether or not it was taken off since.
        let place = HEAD + (seq.saturating_sub(seq & 1) as usize >> 1 & 1) * SLOT;
        let word = |at: usize| words.get(device::LANES + index * LANE + at);
        let wide = |at: usize| u128::from(word(at)) | u128::from(word(at + 1)) << 64;
        // Of two that say they begin at once the first: the last of those that compare as the highest.
        let notes = [1, 0].map(|note| HEAD + 2 * SLOT + note * NOTE);
        let past = notes.into_iter().filter(|note| word(*note) <= seq - (seq & 1));
        let idle = past.max_by_key(|note| word(*note)).map_or(Idle::default(), |note| Idle {
            bytes: word(note + 1).cast_signed(),
            moment: wide(note + 2),
        });
        let slot = Slot {
            idle,
            charge: word(place),
            untracked: word(place + 1),
            time: word(place + 2),
            moment: wide(place + 3),
            uncertain: wide(place + 5),
        };
        let slot = match seq {
            0 => Slot::default(),
            _ if is_closed(seq) => slot.closed(heartbeat, noticed),
            _ => slot,
        };
        LaneReport { owner, slot, last: slot.time.max(heartbeat), noticed }
    };
    (0..places).map(lane).collect()
}
