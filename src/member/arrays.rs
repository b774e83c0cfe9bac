//! Arrays: a large one has pages of its own; of the small ones, whose addresses nobody knows, each
//! takes its share of the pages that as many of its size would fill. Which pages empty when some of
//! them go, nobody knows either: NVML tells what is still held, and where it cannot, the pages stay
//! charged until the last of the arrays is gone.
#![forbid(unsafe_code)]

use cuota_core::grain::{self, PAGE, SMALL};

use super::{Context, Entry, Full, Kind, Member, OnDevice};
use crate::driver::Status;

/// What small arrays take of a device.
#[derive(Default)]
pub struct Arrays {
    shares: u64,
    /// Charged for them.
    pages: u64,
}

fn pages(shares: u64) -> u64 {
    grain::round(shares, PAGE)
}

/// A charge that is only a share of pages.
pub(super) fn is_share(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Array | Kind::Mipmap) && entry.bytes <= SMALL
}

impl Member {
    /// Reserves what an array takes, as the entry it will be held by.
    pub fn reserve_array(
        &self,
        context: Context,
        kind: Kind,
        bytes: u64,
        name: &str,
    ) -> Result<Entry, Status> {
        let device = context.device;
        let (owner, ordinal) = (context.handle, device.ordinal as u8);
        if bytes > SMALL {
            let bytes = self.reserve(device, kind, grain::piece(bytes), name)?.keep();
            return Ok(Entry { bytes, owner, ordinal, kind });
        }
        let share = grain::share(bytes);
        let add = || self.add_share(device, kind, share);
        if add().is_err() {
            self.at_last(device, add)
                .map_err(|full| self.refuse(device, kind, bytes, name, full))?;
        }
        Ok(Entry { bytes: share, owner, ordinal, kind })
    }

    fn add_share(&self, device: &OnDevice, kind: Kind, share: u64) -> Result<(), Full> {
        device.arrays.with(|arrays| {
            let needed = pages(arrays.shares + share);
            self.try_add(device, kind, needed.saturating_sub(arrays.pages))?;
            arrays.shares += share;
            arrays.pages = arrays.pages.max(needed);
            Ok(())
        })
    }

    pub(super) fn give_share_back(&self, device: &OnDevice, kind: Kind, share: u64) {
        let measured = device.is_measured();
        let fewer = device.arrays.with(|arrays| {
            arrays.shares = arrays.shares.saturating_sub(share);
            let left =
                if measured || arrays.shares == 0 { pages(arrays.shares) } else { arrays.pages };
            let fewer = arrays.pages.saturating_sub(left);
            arrays.pages = arrays.pages.min(left);
            self.give_back(device, kind, fewer);
            fewer
        });
        if measured && fewer > 0 {
            self.own_gone(device, false);
        }
    }
}
