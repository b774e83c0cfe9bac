//! What the driver takes for itself: contexts, code, what code keeps. It cannot be asked for before;
//! NVML's figure for this process, less what is accounted for, counts against the quota for what is
//! asked for next.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::collections::HashSet;

use cuota_core::book::Kind as EventKind;
use cuota_core::book::layout::device;
use cuota_core::ledger::Change;

use super::charge::is_left_out;
use super::listed::Believed;
use super::{Kind, Member, OnDevice};
use crate::driver::Status;
use crate::log::{self, Topic};

pub struct Own {
    pub(super) nvml: Believed,
    /// Contexts whose size is an estimate, and that estimate.
    estimated: AtomicU64,
    /// Calls of other threads were on their way when it was last measured: it may be less.
    pub(super) unsure: AtomicBool,
}

impl Own {
    pub(super) fn new() -> Own {
        let (estimated, unsure) = (AtomicU64::new(0), AtomicBool::new(false));
        Own { nvml: Believed::new(), estimated, unsure }
    }
}

impl OnDevice {
    /// What a context takes for itself, as last measured by any member.
    pub fn context_estimate(&self) -> u64 {
        self.part.value(device::CONTEXT_BYTES)
    }

    pub(super) fn count_refusal(&self, bytes: u64) {
        for (word, by) in [(device::REFUSED, 1), (device::REFUSED_BYTES, bytes)] {
            if let Some(word) = self.part.word(word) {
                word.fetch_add(by, Ordering::Relaxed);
            }
        }
    }
}

impl Member {
    /// Whether something's code is used in a context for the first time, as far as is known.
    pub fn is_first_use(&self, of: u64, context: u64) -> bool {
        self.used.with(|used| used.insert((of, context)))
    }

    pub fn not_used_after_all(&self, of: u64, context: u64) {
        self.used.with(|used| used.remove(&(of, context)));
    }

    /// Handles may be used again.
    pub fn forget_uses(&self) {
        self.used.with(HashSet::clear);
    }

    /// Asks the driver for something that takes device memory of its own, `estimate` bytes as far as
    /// is known, and counts what it took.
    pub fn with_own(
        &self,
        device: &OnDevice,
        estimate: u64,
        name: &str,
        is_context: bool,
        call: impl FnOnce() -> Status,
    ) -> Status {
        // A full quota has no room for what cannot be sized either.
        let charge = match self.reserve(device, Kind::Own, estimate.max(1), name) {
            Ok(charge) => charge,
            Err(refused) => return refused,
        };
        self.get_to_know_nvml(device);
        let (before, had) = (device.untracked(), self.listed_before(device, charge.bytes()));
        let status = call();
        if !status.ok() {
            return status;
        }
        let grown = |listed: u64| before + listed.saturating_sub(had);
        match self.measure(device, (true, charge.bytes()), grown) {
            Some(now) if is_context && !device.own.unsure.load(Ordering::Relaxed) => {
                device.part.set(device::CONTEXT_BYTES, now.saturating_sub(before));
            }
            Some(_) => {}
            None if is_context => {
                device.own.estimated.fetch_add(1, Ordering::Relaxed);
                self.set_untracked(device, before + estimate);
            }
            None => {}
        }
        drop(charge);
        status
    }

    /// Something of the driver's own may be gone.
    pub fn own_gone(&self, device: &OnDevice, is_context: bool) {
        let gone = if is_context { device.context_estimate() } else { 0 };
        let left = device.untracked().saturating_sub(gone);
        if self.measure(device, (false, 0), |_| left).is_none() && is_context {
            let one_less = |count: u64| count.checked_sub(1);
            let order = Ordering::Relaxed;
            if device.own.estimated.fetch_update(order, order, one_less).is_ok() {
                self.set_untracked(device, left);
            }
        }
    }

    /// Before a request is refused for what may be too much.
    pub(super) fn own_again(&self, device: &OnDevice) {
        if device.own.unsure.load(Ordering::Relaxed) {
            let before = device.untracked();
            let _ = self.measure(device, (false, 0), |_| before);
        }
    }

    /// Sets the untracked figure to NVML's less ours, of which `reserved` is not taken: exactly, where all
    /// that is charged is held and listed, else to what is likely within what is possible. Calls on their
    /// way are waited for a little. Nothing where NVML cannot tell.
    fn measure(
        &self,
        device: &OnDevice,
        (grew, reserved): (bool, u64),
        likely: impl Fn(u64) -> u64,
    ) -> Option<u64> {
        const TRIES: usize = 5;
        if device.cannot_be_measured() {
            return None;
        }
        self.tidy_up(device);
        let (mut least, mut most, mut guess, mut unsure) = (0, u64::MAX, None, true);
        for _ in 0..TRIES {
            let look = self.look_at(device, || device.listed_after(grew))?;
            guess.get_or_insert_with(|| likely(look.listed));
            if let Some(ours) = look.ours {
                let tracked = ours.tracked.saturating_sub(reserved);
                least = least.max(look.listed.saturating_sub(tracked));
                most = most.min(look.listed.saturating_sub(ours.surely));
                unsure = tracked > ours.surely + ours.maybe;
                if !unsure {
                    break;
                }
            }
            std::thread::yield_now();
        }
        device.own.unsure.store(unsure, Ordering::Relaxed);
        let untracked = guess?.min(most).max(least);
        self.set_untracked(device, untracked);
        Some(untracked)
    }

    fn set_untracked(&self, device: &OnDevice, bytes: u64) {
        let before = device.untracked();
        let step = if bytes > before { "charge" } else { "refund" };
        if bytes == before || is_left_out(step, Kind::Own) {
            return;
        }
        let _ = self.change(device, Change::Untracked(bytes), 0);
        self.record(EventKind::Untracked, Some(device), [bytes, before, 0]);
        log::debug(Topic::Ledger, format_args!("the driver holds {bytes} bytes for itself"));
    }
}
