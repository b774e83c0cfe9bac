//! What the driver gave of each device's SMs: into the ledger, and said where it is not what was asked for.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use cuota_core::book::{Grant, Kind as EventKind};
use cuota_core::config::{Config, Uuid};
use cuota_core::share::is_of;

use super::shown;
use super::words::say;
use crate::driver::{nvml, query};
use crate::member::{Member, leaves_out};
use crate::{hooks, mps};

/// What the driver gave, for the ledger if there is one; and a word where that is not what was asked for.
/// Once CUDA is initialised.
pub fn note(config: &Config, member: Option<&Member>) {
    static NOTED: AtomicBool = AtomicBool::new(false);
    if (member.is_none() && config.sm.is_none()) || NOTED.load(Ordering::Relaxed) {
        return;
    }
    if let Some(member) = member {
        member.note_share(config.sm);
    }
    let mut count = 0;
    let counted = query::cuDeviceGetCount(&mut count).ok();
    for ordinal in 0..if counted { count } else { 0 } {
        let Some(sms) = shown(ordinal) else { continue };
        let mut uuid = [0; 16];
        let by_mps = mps::is_client(ordinal);
        // Without MPS the driver shows them all.
        let named = query::cuDeviceGetUuid_v2(&mut uuid, ordinal).ok()
            || query::cuDeviceGetUuid(&mut uuid, ordinal).ok();
        let all = match by_mps {
            true if named && hooks::open_nvml(None) => nvml::sms(uuid),
            true => None,
            false => Some(sms),
        };
        let exclusive = by_mps
            && named
            && mps::partition().is_some_and(|partition| is_of(&partition, Uuid(uuid)))
            // All of them: this daemon has no partitions.
            && all != Some(sms)
            && !leaves_out("share:exclusive");
        let grant = Grant { sms, by_mps, exclusive };
        let device = member.and_then(|member| Some((member, member.device(ordinal)?)));
        if let Some((member, device)) = device {
            member.note_grant(device, all, grant);
            if config.sm.is_some() {
                let payload = [sms.into(), all.unwrap_or(0).into(), grant.source()];
                member.record(EventKind::ShareGranted, Some(device), payload);
            }
        }
        if let Some(share) = config.sm {
            say(config, ordinal, (share, all), grant);
        }
        NOTED.store(true, Ordering::Relaxed);
    }
}
