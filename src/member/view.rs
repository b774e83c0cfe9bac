//! What the program is shown: its slice as if it were the card.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use cuota_core::ledger::{TotalWord, UNLIMITED};

use super::{Member, OnDevice};

/// A slice of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    pub total: u64,
    /// Charged to the client, however many processes it runs.
    pub used: u64,
}

impl OnDevice {
    /// How much of the device there is for the client: its quota, or all of it.
    #[inline(always)]
    pub fn total(&self) -> u64 {
        let limit = self.part.account().limit.load(Ordering::Relaxed);
        if limit == UNLIMITED { self.bytes } else { limit.min(self.bytes) }
    }

    pub fn is_limited(&self) -> bool {
        self.part.account().limit.load(Ordering::Relaxed) != UNLIMITED
    }
}

impl Member {
    /// The client's slice of a device; nothing where it has no quota there.
    #[inline(always)]
    pub fn slice(&self, device: &OnDevice) -> Option<Slice> {
        if !device.is_limited() {
            return None;
        }
        let used = device.part.account().total.read().used;
        // Somebody else's bytes may be a dead one's.
        let used = if used > device.charged() { self.used_by_the_living(device) } else { used };
        Some(Slice { total: device.total(), used })
    }

    /// Looks at who lives first. A few system calls, for those who share a card with a neighbour.
    #[cold]
    fn used_by_the_living(&self, device: &OnDevice) -> u64 {
        let id = self.seat.with(|seat| seat.id);
        self.book.sweep(&self.book.witness(id, self.who.pid_namespace), self.now());
        device.part.account().total.read().used
    }
}

impl Slice {
    pub fn free(self) -> u64 {
        self.total.saturating_sub(self.used)
    }
}
