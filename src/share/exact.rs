//! Contexts that a program makes for itself: they take a number of SMs, where MPS is told to give them one.
#![forbid(unsafe_code)]

use core::ffi::c_int;

use cuota_core::book::Kind as EventKind;
use cuota_core::config::{Config, Sm};
use cuota_core::share::PER_CONTEXT;

use super::{is_for_mps, shown};
use crate::driver::query;
use crate::member::{Member, OnDevice, leaves_out};
use crate::mps;

/// As the driver numbers the kinds of affinity.
pub const SM_COUNT: u32 = 0;

fn is_per_context() -> bool {
    std::env::var(PER_CONTEXT).is_ok_and(|value| value == "1")
}

/// The most SMs that a context may ask for. None where no number was given, MPS gives contexts none, or the
/// process has no more anyway.
pub fn most(config: &Config, ordinal: c_int) -> Option<u32> {
    let Some(Sm::Count(count)) = config.sm else { return None };
    let given = is_for_mps(config)
        && is_per_context()
        && mps::partition().is_none()
        && mps::is_client(ordinal)
        && !leaves_out("share:exact");
    shown(ordinal).filter(|sms| given && count < *sms).map(|_| count)
}

/// What a context has that was just made: the current one, or one that has what the process has. The largest
/// is what the process was granted.
pub fn note_context(config: &Config, member: &Member, device: &OnDevice, is_current: bool) {
    if !is_per_context() || !mps::is_client(device.ordinal) {
        return;
    }
    let mut affinity = [SM_COUNT, 0];
    let sms = if is_current {
        let said = query::cuCtxGetExecAffinity(&mut affinity, SM_COUNT).ok();
        Some(affinity[1]).filter(|_| said)
    } else {
        shown(device.ordinal)
    };
    let Some(sms) = sms.filter(|sms| *sms > 0 && !leaves_out("share:largest")) else { return };
    if let Some((grant, all)) = member.note_context(device, sms)
        && config.sm.is_some()
    {
        let payload = [grant.sms.into(), all, grant.source()];
        member.record(EventKind::ShareGranted, Some(device), payload);
    }
}
