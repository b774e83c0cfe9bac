//! What NVML says this process holds, and whether it can be believed: its pids are the first namespace's.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicU8, Ordering};

use super::{Member, OnDevice};
use crate::driver::{nvml, process};

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

/// Whether what NVML says of a device can be believed.
pub struct Believed(AtomicU8);

impl Believed {
    pub(super) fn new() -> Believed {
        Believed(AtomicU8::new(Trust::Unknown as u8))
    }

    fn is(&self, trust: Trust) -> bool {
        self.0.load(Ordering::Relaxed) == trust as u8
    }

    fn set(&self, trust: Trust) {
        self.0.store(trust as u8, Ordering::Relaxed);
    }
}

impl Member {
    /// Before the first context: does NVML list our pid only once there is one?
    pub(super) fn get_to_know_nvml(&self, device: &OnDevice) {
        if !device.own.nvml.is(Trust::Unknown) {
            return;
        }
        let _here = process::NotCancelled::new();
        let there = crate::hooks::open_nvml(None) && nvml::nvmlInit_v2().ok();
        let first = self.who.pid_namespace == FIRST_NAMESPACE;
        device.own.nvml.set(match device.listed() {
            _ if !there => Trust::No,
            Some(_) if !first => Trust::No,
            _ if first => Trust::Yes,
            // Not listed yet; `listed_after` sees whether it is afterwards.
            _ => Trust::Unknown,
        });
    }
}

impl OnDevice {
    /// Whether NVML tells what this process holds.
    pub fn is_measured(&self) -> bool {
        self.own.nvml.is(Trust::Yes)
    }

    pub(super) fn cannot_be_measured(&self) -> bool {
        self.own.nvml.is(Trust::No)
    }

    /// After one that took some, or gave it back; nothing where NVML cannot tell.
    pub(super) fn listed_after(&self, grew: bool) -> Option<u64> {
        let listed = self.listed();
        // Who has nothing left is not listed.
        let gone = self.is_measured() && !grew;
        if self.own.nvml.is(Trust::Unknown) {
            // A pid of another namespace appears just then by a rare chance only.
            self.own.nvml.set(if listed.is_some() { Trust::Yes } else { Trust::No });
        }
        listed.or(gone.then_some(0))
    }

    /// What NVML says this process holds of it; nothing if it does not list it.
    pub(super) fn listed(&self) -> Option<u64> {
        let _here = process::NotCancelled::new();
        let pid = process::id();
        let processes = nvml::processes(self.uuid)?;
        let own = processes.iter().filter(|(listed, _)| *listed == pid).map(|(_, bytes)| *bytes);
        own.reduce(|sum, bytes| sum.saturating_add(bytes))
    }
}
