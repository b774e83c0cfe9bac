//! What is held for certain. What is charged is at least that: some of it may be on its way into the
//! driver or out of it, and of some it cannot be told.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use super::arrays::is_share;
use super::{Entry, Kind, Member, OnDevice};

/// What NVML lists as this process's, and what we knew in that very moment.
pub(super) struct Look {
    pub listed: u64,
    /// Nothing where somebody changed it meanwhile.
    pub ours: Option<Ours>,
}

pub(super) struct Ours {
    /// All that is charged, and when it last changed.
    pub standing: (u64, u64),
    /// Charged, but for what the driver has for itself.
    pub tracked: u64,
    pub untracked: u64,
    /// Held for certain, and listed.
    pub surely: u64,
    /// Listed or not, as far as is known.
    pub maybe: u64,
}

/// What NVML says this process holds, beside what is charged.
pub(super) struct Beyond {
    /// Surely held and not charged.
    pub more: u64,
    /// The same with all that is not held for certain.
    pub most: u64,
    /// Charged and surely not held.
    pub less: u64,
    /// When that was so.
    pub standing: (u64, u64),
}

impl Beyond {
    const UNTOLD: Beyond = Beyond { more: 0, most: u64::MAX, less: 0, standing: (0, 0) };
}

impl Member {
    /// Gives back what is held no more, as far as can be asked.
    pub(super) fn tidy_up(&self, device: &OnDevice) {
        if !self.is_capturing() {
            self.look_at_pending();
            self.true_up_pools(device);
        }
    }

    pub(super) fn look_at(
        &self,
        device: &OnDevice,
        ask_nvml: impl FnOnce() -> Option<u64>,
    ) -> Option<Look> {
        let (before, untracked) = (device.standing(), device.untracked());
        let surely = self.surely_held(device);
        let listed = ask_nvml()?;
        // Taken and booked before NVML was asked, and not about to be freed after.
        let surely = surely.min(self.surely_held(device));
        let tracked = before.0.saturating_sub(untracked);
        let maybe = self.maybe_held(device);
        let ours = Ours { standing: before, tracked, untracked, surely, maybe };
        Some(Look { listed, ours: (device.standing() == before).then_some(ours) })
    }

    /// What NVML would say before a call that takes memory, of which `reserved` is charged: it need not be
    /// asked, for it takes its time, where all that is charged is held.
    pub(super) fn listed_before(&self, device: &OnDevice, reserved: u64) -> u64 {
        let (charged, surely) =
            (device.charged().saturating_sub(reserved), self.surely_held(device));
        if charged == device.untracked() + surely || !device.is_measured() {
            return charged;
        }
        device.listed().unwrap_or(0)
    }

    /// What entries, pages and reserves stand for that nobody is about to free. Left out is what may be
    /// listed or not; what waits for a stream; and destroyed pools, which give back what they like.
    fn surely_held(&self, device: &OnDevice) -> u64 {
        let is_own = |entry: &Entry| {
            let elsewhere = matches!(entry.kind, Kind::Pool | Kind::Managed) || is_share(entry);
            entry.ordinal == device.ordinal as u8 && !elsewhere
        };
        let pools = self.pools.on(device.ordinal);
        let pools = pools.iter().filter(|pool| !pool.is_destroyed());
        let pools: u64 = pools.map(|pool| pool.sum.settled()).sum();
        self.held.sum(is_own)
            + self.pages_held(device, &[Kind::Linear, Kind::Pitched])
            + device.arrays.with(|arrays| arrays.surely())
            + pools
            + device.graphs.sum.settled()
            + self.physicals.bytes_on(device.ordinal as u8)
    }

    /// What the driver takes when it is first needed: NVML may list it or not.
    fn maybe_held(&self, device: &OnDevice) -> u64 {
        let is_managed =
            |entry: &Entry| entry.kind == Kind::Managed && entry.ordinal == device.ordinal as u8;
        self.held.sum(is_managed)
            + self.pages_held(device, &[Kind::Managed])
            + self.limits_charged(device)
    }

    /// Where NVML's figure is beyond what may be, and short of what must be; nothing where it cannot tell.
    pub(super) fn beyond(&self, device: &OnDevice) -> Option<Beyond> {
        const TRIES: usize = 5;
        if !device.is_measured() {
            return None;
        }
        for _ in 0..TRIES {
            let first = self.beyond_now(device)?;
            // Of two calls on their way one may have been booked, and one taken out, while NVML was asked: who
            // does either has changed the account by the time of a second look.
            std::thread::yield_now();
            let second = self.beyond_now(device)?;
            if first.standing == second.standing {
                return Some(Beyond {
                    more: first.more.min(second.more),
                    most: first.most.max(second.most),
                    less: first.less.min(second.less),
                    standing: first.standing,
                });
            }
        }
        Some(Beyond::UNTOLD)
    }

    fn beyond_now(&self, device: &OnDevice) -> Option<Beyond> {
        let Look { listed, ours } = self.look_at(device, || device.listed())?;
        let Some(Ours { standing, tracked, untracked, surely, .. }) = ours else {
            return Some(Beyond { standing: (0, listed), ..Beyond::UNTOLD });
        };
        // What the driver has for itself may be as much as that, or less.
        let unsure = device.own.unsure.load(Ordering::Relaxed);
        Some(Beyond {
            more: if unsure { 0 } else { listed.saturating_sub(tracked + untracked) },
            most: listed.saturating_sub(surely + if unsure { 0 } else { untracked }),
            less: if unsure { 0 } else { (surely + untracked).saturating_sub(listed) },
            standing,
        })
    }
}
