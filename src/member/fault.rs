//! What took the device from this process, kept in the ledger.
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;
use std::path::Path;

use cuota_core::book::{Census, Count, Fault, Kind as EventKind, Verdict, Who, census};

use super::{Member, OnDevice, leaves_out};
use crate::driver::{Status, nvml, process, query};

/// Nanoseconds that a fault may take to reach a process: one that was well so long ago may have been
/// struck already.
const SPREADS: u64 = 2_000_000_000;

impl OnDevice {
    /// Asked of one of its contexts, by the thread's own default stream there: that breaks no capture.
    fn is_lost(&self) -> bool {
        const RELAXED: u32 = 2;
        const OWN_STREAM: u64 = 2;
        let Some(context) = self.contexts().first().copied() else { return false };
        if !query::cuCtxPushCurrent_v2(context).ok() {
            return false;
        }
        let mut mode = RELAXED;
        let changed = query::cuThreadExchangeStreamCaptureMode(&mut mode).ok();
        let lost = query::cuStreamQuery(OWN_STREAM).is_fatal();
        if changed {
            let _ = query::cuThreadExchangeStreamCaptureMode(&mut mode);
        }
        let mut popped = 0;
        let _ = query::cuCtxPopCurrent_v2(&mut popped);
        lost
    }

    /// Whether it is lost to this process, and nobody has noticed before.
    pub fn is_lost_now(&self) -> bool {
        !self.flight.lost.swap(true, Ordering::AcqRel)
    }
}

impl Member {
    /// The devices that do not answer any more: a stream or an event that says so may be of another than the
    /// current context's. With contexts on one only, that one.
    pub fn lost_devices(&self) -> impl Iterator<Item = &OnDevice> {
        let several = self.devices().filter(|device| device.has_contexts()).count() > 1;
        self.devices().filter(move |device| device.has_contexts() && (!several || device.is_lost()))
    }

    pub fn client(&self) -> &str {
        &self.client
    }

    /// This process is about to end.
    pub fn say_goodbye(&self) {
        self.devices().for_each(|device| self.note_alive(device));
        self.book.say_goodbye(self.counting.seat(), self.now());
    }

    pub fn keep_fault(&self, device: &OnDevice, call: &str, status: u32, by_mps: bool) -> Fault {
        let (function, stream) = Member::last_launched();
        let mut fault = Fault {
            time: self.now(),
            status,
            device: device.index,
            call: call.into(),
            function,
            stream,
            by_mps,
            ..Fault::default()
        };
        if Status(status).is_of_mps() {
            fault.verdict = Verdict::Nobody;
        } else if by_mps {
            self.judge(device, &mut fault);
        } else {
            (fault.verdict, fault.busy, fault.members) = (Verdict::Own, 1, 1);
        }
        self.count(device, Count::Faults, 1);
        self.book.note_fault(self.counting.seat(), &fault);
        let culprit = fault.culprit.as_ref().map_or(0, |(_, pid)| *pid);
        let seen = u64::from(fault.busy) | u64::from(fault.members) << 32;
        let what = u64::from(status) | (fault.verdict as u64) << 32;
        self.record(EventKind::Fault, Some(device), [what, seen, culprit]);
        fault
    }

    /// It was somebody's who had work in flight; if that was one only, and nobody is missing, his.
    fn judge(&self, device: &OnDevice, fault: &mut Fault) {
        let since = device.well_at().saturating_sub(SPREADS);
        let directory = self.book.path().parent().unwrap_or(Path::new("."));
        let seen = census(directory, device.uuid, since);
        (fault.busy, fault.members) = (seen.busy.len() as u32, seen.members.len() as u32);
        let culprit = match (&seen.before, seen.busy.as_slice()) {
            // Whoever had work in flight then has it still: nothing was waited for with success since.
            (Some(before), busy) => before.clone().filter(|it| busy.iter().all(|who| who.is(it))),
            (None, [one])
                if (!seen.unsure || leaves_out("fault:unsure"))
                    && !has_strangers(device.uuid, &seen) =>
            {
                Some(one.clone())
            }
            _ => None,
        };
        let seat = self.counting.seat();
        let is_own = |who: &Who| {
            who.client == self.client
                && (who.id == seat.id || who.id == 0 && who.pid == self.who.pid)
        };
        match culprit {
            Some(who) if is_own(&who) => fault.verdict = Verdict::Own,
            Some(who) => {
                fault.verdict = Verdict::Other;
                fault.culprit = Some((who.client, who.pid));
            }
            None => {}
        }
    }
}

/// Whether there may be processes on the device that are no members: NVML lists some, or does not see pids
/// as we do, or is not there. The MPS server is no client.
fn has_strangers(uuid: [u8; 16], seen: &Census) -> bool {
    let Some(listed) = nvml::pids(uuid) else { return true };
    let known = |pid: u32| {
        seen.members.iter().any(|who| who.pid == u64::from(pid)) || process::is_a_service_of(pid)
    };
    !listed.contains(&std::process::id()) || !listed.into_iter().all(known)
}
