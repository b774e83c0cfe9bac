//! What the driver takes for itself: contexts, code, what code keeps. It cannot be asked for before;
//! NVML's figure for this process, less what is accounted for, counts against the quota for what is
//! asked for next.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::collections::HashSet;

use cuota_core::book::Kind as EventKind;
use cuota_core::book::layout::device;
use cuota_core::ledger::Change;

use super::charge::is_left_out;
use super::{Kind, Member, OnDevice};
use crate::driver::{Status, nvml, process};
use crate::log::{self, Topic};

/// Inode of the first PID namespace, whose pids are NVML's.
const FIRST_NAMESPACE: u64 = 0xEFFF_FFFC;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Trust {
    /// Nobody has looked.
    Unknown,
    /// NVML's pids are ours.
    Yes,
    /// They are not, or there is no NVML: contexts are estimated.
    No,
}

pub struct Own {
    trust: AtomicU8,
    /// Charged bytes that NVML does not list as this process's: managed memory and limits.
    unseen: AtomicU64,
    /// Contexts whose size is an estimate, and that estimate.
    estimated: AtomicU64,
}

impl Own {
    pub(super) fn new() -> Own {
        let word = AtomicU64::new;
        Own { trust: AtomicU8::new(Trust::Unknown as u8), unseen: word(0), estimated: word(0) }
    }
}

impl OnDevice {
    /// Whether NVML tells what this process holds.
    pub fn is_measured(&self) -> bool {
        self.own.trust.load(Ordering::Relaxed) == Trust::Yes as u8
    }

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

    /// Keeps apart what is charged and not NVML's to know.
    #[inline(always)]
    pub fn note_unseen(&self, kind: Kind, bytes: u64, more: bool) {
        if matches!(kind, Kind::Managed | Kind::Limit) {
            let less = |unseen: u64| Some(unseen.saturating_sub(bytes));
            if more {
                self.own.unseen.fetch_add(bytes, Ordering::Relaxed);
            } else {
                let _ = self.own.unseen.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
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
        let before = device.untracked();
        let status = call();
        if !status.ok() {
            return status;
        }
        match self.measure(device, true, charge.bytes()) {
            Some(now) if is_context => {
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
        if self.measure(device, false, 0).is_none() && is_context {
            let one_less = |count: u64| count.checked_sub(1);
            let order = Ordering::Relaxed;
            if device.own.estimated.fetch_update(order, order, one_less).is_ok() {
                let estimate = device.context_estimate();
                self.set_untracked(device, device.untracked().saturating_sub(estimate));
            }
        }
    }

    /// Before the first context: does NVML list our pid only once there is one?
    fn get_to_know_nvml(&self, device: &OnDevice) {
        if device.own.trust.load(Ordering::Relaxed) != Trust::Unknown as u8 {
            return;
        }
        let _here = process::NotCancelled::new();
        let there = crate::hooks::open_nvml(None) && nvml::nvmlInit_v2().ok();
        let first = self.who.pid_namespace == FIRST_NAMESPACE;
        let trust = match listed(device) {
            _ if !there => Trust::No,
            Some(_) if !first => Trust::No,
            _ if first => Trust::Yes,
            // Not listed yet; `measure` sees whether it is afterwards.
            _ => Trust::Unknown,
        };
        device.own.trust.store(trust as u8, Ordering::Relaxed);
    }

    /// What NVML says this process holds beyond what is charged for it, below 0 if it is less; nothing
    /// where NVML cannot tell, or somebody commits all the time.
    pub(super) fn surplus(&self, device: &OnDevice) -> Option<i64> {
        const TRIES: usize = 5;
        if !device.is_measured() {
            return None;
        }
        (0..TRIES).find_map(|_| {
            let before = device.charged();
            let bytes = listed(device)?;
            let unseen = device.own.unseen.load(Ordering::Relaxed);
            (before == device.charged()).then(|| {
                bytes.cast_signed().wrapping_sub(before.saturating_sub(unseen).cast_signed())
            })
        })
    }

    /// Sets the untracked figure to NVML's less ours, of which `reserved` is not taken; nothing where
    /// NVML cannot tell.
    fn measure(&self, device: &OnDevice, grew: bool, reserved: u64) -> Option<u64> {
        const TRIES: usize = 5;
        let trust = device.own.trust.load(Ordering::Relaxed);
        if trust == Trust::No as u8 {
            return None;
        }
        for _ in 0..TRIES {
            let before = (device.charged(), device.untracked());
            let listed = listed(device);
            if trust == Trust::Unknown as u8 {
                // A pid of another namespace appears just then by a rare chance only.
                let known = if listed.is_some() { Trust::Yes } else { Trust::No };
                device.own.trust.store(known as u8, Ordering::Relaxed);
            }
            let bytes = match listed {
                Some(bytes) => bytes,
                None if trust == Trust::Yes as u8 && !grew => 0,
                None => return None,
            };
            if before == (device.charged(), device.untracked()) {
                let unseen = device.own.unseen.load(Ordering::Relaxed);
                let known = before.0.saturating_sub(before.1 + reserved + unseen);
                let untracked = bytes.saturating_sub(known);
                self.set_untracked(device, untracked);
                return Some(untracked);
            }
        }
        None
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

/// What NVML says this process holds of the device; nothing if it does not list it.
fn listed(device: &OnDevice) -> Option<u64> {
    let _here = process::NotCancelled::new();
    let pid = process::id();
    let processes = nvml::processes(device.uuid)?;
    let own = processes.iter().filter(|(listed, _)| *listed == pid).map(|(_, bytes)| *bytes);
    own.reduce(|sum, bytes| sum.saturating_add(bytes))
}
