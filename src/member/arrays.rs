//! Arrays: a large one has pages of its own; of the small ones, whose addresses nobody knows, each
//! takes its share of the pages that as many of its size would fill, in its context. Where they are of
//! several sizes they fill them worse, and which pages empty when some of them go, nobody knows either:
//! NVML tells what is held, and where it cannot, the pages stay charged until the last of the context's
//! arrays is gone.
#![forbid(unsafe_code)]

use cuota_core::grain::{self, PAGE, SMALL};

use super::{Context, Entry, Full, Kind, Member, OnDevice};
use crate::driver::Status;

/// What small arrays take of a device.
#[derive(Default)]
pub struct Arrays {
    contexts: Vec<OfContext>,
}

#[derive(Clone, Copy, Default)]
struct OfContext {
    context: u64,
    count: u64,
    shares: u64,
    /// Charged for them.
    pages: u64,
    /// The share that all of them have; 0 if they differ.
    each: u64,
}

impl Arrays {
    fn of(&mut self, context: u64) -> Option<&mut OfContext> {
        self.contexts.iter_mut().find(|of| of.context == context)
    }

    fn of_or_new(&mut self, context: u64, each: u64) -> &mut OfContext {
        let at = self.contexts.iter().position(|of| of.context == context);
        let at = at.unwrap_or_else(|| {
            self.contexts.push(OfContext { context, each, ..OfContext::default() });
            self.contexts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        &mut self.contexts[at]
    }
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
        let add = || self.add_share(context, kind, share);
        if add().is_err() {
            self.take_as_held(context, kind);
            self.at_last(device, add)
                .map_err(|full| self.refuse(device, kind, bytes, name, full))?;
        }
        Ok(Entry { bytes: share, owner, ordinal, kind })
    }

    fn add_share(&self, context: Context, kind: Kind, share: u64) -> Result<(), Full> {
        context.device.arrays.with(|arrays| {
            let of = arrays.of_or_new(context.handle, share);
            let differ = of.count > 0 && of.each != share;
            let more = pages(of.shares + share).saturating_sub(of.pages);
            // Nobody can tell whether it fits beside them: `settle_array` can, afterwards.
            let more = if differ && context.device.is_measured() { more.max(PAGE) } else { more };
            self.try_add(context.device, kind, more)?;
            of.count += 1;
            of.shares += share;
            of.pages += more;
            of.each = if differ { 0 } else { share };
            Ok(())
        })
    }

    /// Arrays of several sizes may fill their pages better, too: then their shares are as much as is held.
    #[cold]
    fn take_as_held(&self, Context { device, handle }: Context, kind: Kind) {
        let Some(less) = self.surplus(device).filter(|more| *more < 0) else { return };
        let less = less.unsigned_abs() / PAGE * PAGE;
        device.arrays.with(|arrays| {
            let Some(of) = arrays.of(handle).filter(|of| of.each == 0) else { return };
            let less = less.min(of.pages);
            of.pages -= less;
            of.shares = of.shares.min(of.pages);
            self.give_back(device, kind, less);
        });
    }

    /// The driver has made an array. One among others of another size had a page reserved, and may have
    /// found room without, or taken one though there was room by their shares.
    pub fn settle_array(&self, Context { device, handle }: Context, entry: &Entry) {
        let differ = |of: &mut OfContext| is_share(entry) && of.each == 0;
        if !device.arrays.with(|arrays| arrays.of(handle).is_some_and(differ)) {
            return;
        }
        let surplus = self.surplus(device).unwrap_or(0);
        device.arrays.with(|arrays| {
            let Some(of) = arrays.of(handle) else { return };
            if surplus > 0 {
                let more = pages(surplus.unsigned_abs());
                self.force(device, entry.kind, more);
                of.pages += more;
            } else if surplus.unsigned_abs() >= PAGE {
                // No more than was reserved: the rest is what other threads' calls are about to take.
                let less = PAGE.min(of.pages);
                self.give_back(device, entry.kind, less);
                of.pages -= less;
            }
            of.shares = of.shares.min(of.pages);
        });
    }

    pub(super) fn give_share_back(&self, device: &OnDevice, entry: Entry) {
        let spare = device.arrays.with(|arrays| {
            let of = arrays.of(entry.owner)?;
            of.count = of.count.saturating_sub(1);
            of.shares = of.shares.saturating_sub(entry.bytes);
            Some(of.pages.saturating_sub(pages(of.shares)))
        });
        let is_last = |of: &OfContext| of.context == entry.owner && of.count == 0;
        let last = device.arrays.with(|arrays| {
            let last = arrays.contexts.iter().position(is_last)?;
            Some(arrays.contexts.swap_remove(last).pages)
        });
        if let Some(pages) = last {
            self.give_back(device, entry.kind, pages);
        } else if spare.is_some_and(|spare| spare > 0) {
            self.give_pages_back(device, entry);
        }
    }

    /// Of pages that their shares no longer need, those that are held no longer.
    fn give_pages_back(&self, device: &OnDevice, entry: Entry) {
        let Some(less) = self.surplus(device).filter(|more| *more < 0) else { return };
        let less = less.unsigned_abs() / PAGE * PAGE;
        device.arrays.with(|arrays| {
            let Some(of) = arrays.of(entry.owner) else { return };
            let less = less.min(of.pages.saturating_sub(pages(of.shares)));
            of.pages -= less;
            self.give_back(device, entry.kind, less);
        });
    }
}
