//! Arrays: a large one has pages of its own; of the small ones, whose addresses nobody knows, each
//! takes its share of the pages that as many of its size would fill, in its context. Where they are of
//! several sizes they fill them worse, which pages empty when some of them go, nobody knows either, and
//! small linear memory may lie beside them: NVML tells what is held, and where it cannot, the pages stay
//! charged until the last of the context's arrays is gone.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use cuota_core::grain::{self, PAGE, SMALL};

use super::sure::Beyond;
use super::{Context, Entry, Full, Kind, Member, OnDevice};
use crate::driver::Status;

/// What small arrays take of a device.
#[derive(Default)]
pub struct Arrays {
    contexts: Vec<OfContext>,
    /// Of their pages, those that calls on their way may not have taken yet, or have given back already.
    moving: u64,
}

/// More pages than that are not held by so few arrays.
fn most_pages(of: &OfContext) -> u64 {
    of.count * PAGE
}

#[derive(Clone, Copy, Default)]
struct OfContext {
    context: u64,
    count: u64,
    shares: u64,
    /// Charged for them.
    pages: u64,
    /// The share that all of them have, and by which alone they fill their pages; 0 if it is not as easy.
    each: u64,
}

impl Arrays {
    fn of(&mut self, context: u64) -> Option<&mut OfContext> {
        self.contexts.iter_mut().find(|of| of.context == context)
    }

    fn pages(&self) -> u64 {
        self.contexts.iter().map(|of| of.pages).sum()
    }

    pub(super) fn surely(&self) -> u64 {
        self.pages().saturating_sub(self.moving)
    }

    /// It is not known any more which context has how many pages: only all together are.
    fn are_mixed(&mut self) {
        self.contexts.iter_mut().for_each(|of| of.each = 0);
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

impl OnDevice {
    #[inline(always)]
    pub(super) fn has_small_arrays(&self) -> bool {
        self.has_small_arrays.load(Ordering::Relaxed)
    }
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
        add()
            .or_else(|_| self.at_last(device, add))
            .map_err(|full| self.refuse(device, kind, bytes, name, full))?;
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
            context.device.has_small_arrays.store(true, Ordering::Relaxed);
            of.count += 1;
            of.shares += share;
            of.pages += more;
            of.each = if differ { 0 } else { share };
            arrays.moving += PAGE;
            Ok(())
        })
    }

    /// Before a call that destroys a small array, which gives back a page at the most.
    pub fn array_moves(&self, entry: &Entry) {
        self.arrays_move(entry, |moving| moving + PAGE);
    }

    /// After it, or after one that makes what was reserved.
    pub fn array_rests(&self, entry: &Entry) {
        self.arrays_move(entry, |moving| moving.saturating_sub(PAGE));
    }

    fn arrays_move(&self, entry: &Entry, act: impl Fn(u64) -> u64) {
        if let Some(device) = self.device(entry.ordinal.into()).filter(|_| is_share(entry)) {
            device.arrays.with(|arrays| arrays.moving = act(arrays.moving));
        }
    }

    /// Acts on how much is held beyond what is charged, or less, before anybody changes that.
    fn by_what_is_held(&self, device: &OnDevice, act: impl Fn(&mut Arrays, &Beyond)) {
        const TRIES: usize = 3;
        let _ = (0..TRIES).find(|_| {
            let beyond = self.beyond(device);
            let Some(beyond) = beyond.filter(|it| it.more > 0 || it.less >= PAGE) else {
                return true;
            };
            device.arrays.with(|arrays| {
                let still = device.standing() == beyond.standing;
                if still {
                    act(arrays, &beyond);
                }
                still
            })
        });
    }

    /// Gives back pages that are charged for arrays and surely not held: they may fill them better than by
    /// their shares, and lie beside small linear memory.
    #[cold]
    pub(super) fn take_arrays_as_held(&self, device: &OnDevice) {
        if device.arrays.with(|arrays| arrays.pages()) == 0 {
            return;
        }
        self.by_what_is_held(device, |arrays, beyond| {
            let mut less = beyond.less / PAGE * PAGE;
            if less == 0 {
                return;
            }
            arrays.are_mixed();
            for of in &mut arrays.contexts {
                let here = less.min(of.pages);
                self.give_back(device, Kind::Array, here);
                of.pages -= here;
                of.shares = of.shares.min(of.pages);
                less -= here;
            }
        });
    }

    /// The driver has made an array. One among others of another size had a page reserved, and may have
    /// found room without, or taken one though there was room by their shares.
    pub fn settle_array(&self, Context { device, handle }: Context, entry: &Entry) {
        let differ = |of: &mut OfContext| is_share(entry) && of.each == 0;
        if !device.arrays.with(|arrays| arrays.of(handle).is_some_and(differ)) {
            return;
        }
        self.tidy_up(device);
        self.by_what_is_held(device, |arrays, beyond| {
            let Some(of) = arrays.of(handle) else { return };
            let more = pages(beyond.more);
            self.force(device, entry.kind, more);
            // No more than was reserved for it.
            let less = if beyond.less >= PAGE { PAGE.min(of.pages) } else { 0 };
            self.give_back(device, entry.kind, less);
            of.pages = of.pages + more - less;
            of.shares = of.shares.min(of.pages);
        });
    }

    /// Of pages that are charged and in nobody's books any more, as many as arrays may still hold are theirs from
    /// now on, for whichever context there is room for more: only all of them together can be told.
    #[cold]
    fn leave_to_arrays(&self, device: &OnDevice, context: u64, bytes: u64) -> u64 {
        // NVML is not asked where the answer makes no difference.
        let has_room = |of: &OfContext| of.pages < most_pages(of);
        if !device.arrays.with(|arrays| arrays.contexts.iter().any(has_room)) {
            return 0;
        }
        let most = self.beyond(device).map_or(0, |beyond| beyond.most / PAGE * PAGE);
        device.arrays.with(|arrays| {
            arrays.contexts.sort_by_key(|of| of.context != context);
            let mut rest = bytes.min(most);
            for of in &mut arrays.contexts {
                let here = rest.min(most_pages(of).saturating_sub(of.pages));
                of.pages += here;
                rest -= here;
            }
            let left = bytes.min(most) - rest;
            if left > 0 {
                arrays.are_mixed();
            }
            left
        })
    }

    /// A page of small linear memory is empty, but for an array that may lie there.
    #[inline(always)]
    pub(super) fn is_left_to_arrays(&self, page: &Entry) -> bool {
        let Some(device) = self.device(page.ordinal.into()) else { return false };
        device.has_small_arrays() && self.leave_to_arrays(device, page.owner, PAGE) > 0
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
            let pages = arrays.contexts.swap_remove(last).pages;
            device.has_small_arrays.store(!arrays.contexts.is_empty(), Ordering::Relaxed);
            Some(pages)
        });
        if let Some(pages) = last {
            let left = self.leave_to_arrays(device, entry.owner, pages);
            self.give_back(device, entry.kind, pages - left);
        } else if spare.is_some_and(|spare| spare > 0) {
            self.tidy_up(device);
            self.take_arrays_as_held(device);
        }
    }
}
