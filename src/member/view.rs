//! What the program is shown: its slice as if it were the card.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use cuota_core::ledger::{TotalWord, UNLIMITED};

use super::{Member, OnDevice};

/// How often, at most, a mere question makes us look for the dead.
const PERIOD: u64 = 1_000_000_000;

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

    fn used_by_the_living(&self, device: &OnDevice) -> u64 {
        let (now, last) = (self.now(), device.swept.load(Ordering::Relaxed));
        if now.saturating_sub(last) > PERIOD
            && device
                .swept
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            let id = self.seat.with(|seat| seat.id);
            self.book.sweep(&self.book.witness(id, self.who.pid_namespace), now);
        }
        device.part.account().total.read().used
    }
}

impl Slice {
    pub fn free(self) -> u64 {
        self.total.saturating_sub(self.used)
    }
}
