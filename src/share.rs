//! The client's share of the SMs: asked for in the environment MPS reads, before there is a driver to
//! read it; and what came of it, once there is one.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use cuota_core::book::{Grant, Kind as EventKind};
use cuota_core::config::{Config, Priority, Share, Sm};
use cuota_core::share::{PRIORITY, Percentage, VARIABLE, Verdict, judge, tightened};

use crate::driver::{environment, nvml, query};
use crate::hooks;
use crate::log::{self, Topic};
use crate::member::Member;
use crate::mps;

/// As the driver numbers its attributes.
const SMS: u32 = 16;

/// Tells MPS, if there is one, what this process may have, before the driver is loaded. Threads that
/// come at once all do so: none may go on to load the driver before it is said, nor wait for another.
pub fn ask(config: &Config) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if !ASKED.load(Ordering::Acquire) {
        set(config);
        ASKED.store(true, Ordering::Release);
    }
}

fn set(config: &Config) {
    if config.priority == Priority::Low && std::env::var_os(PRIORITY).is_none() {
        environment::set(PRIORITY, "1");
    }
    let Some(share) = config.sm.filter(|_| is_for_mps(config)) else { return };
    let sms = if matches!(share, Sm::Count(_)) { most_sms() } else { None };
    let Some(percentage) = Percentage::of(share, sms) else {
        log::warn(
            Topic::Setting,
            format_args!(
                "CUOTA_SM={share}: how many SMs there are cannot be told before CUDA is initialised, or the devices differ, so it cannot be asked for: give a percentage"
            ),
        );
        return;
    };
    let there = std::env::var(VARIABLE).ok();
    if let Some(percentage) = tightened(percentage, there.as_deref()) {
        environment::set(VARIABLE, &percentage.to_string());
    }
}

fn is_for_mps(config: &Config) -> bool {
    matches!(config.share, Share::Auto | Share::Mps)
}

/// Where all devices have as many: a percentage is for all of them.
fn most_sms() -> Option<u32> {
    if hooks::open_nvml(None) { nvml::common_sms() } else { None }
}

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
        let (mut sms, mut uuid) = (0, [0; 16]);
        let said = query::cuDeviceGetAttribute(&mut sms, SMS, ordinal).ok();
        let Some(sms) = u32::try_from(sms).ok().filter(|_| said) else { continue };
        let by_mps = mps::is_client(ordinal);
        // Without MPS the driver shows them all.
        let named = query::cuDeviceGetUuid_v2(&mut uuid, ordinal).ok()
            || query::cuDeviceGetUuid(&mut uuid, ordinal).ok();
        let all = match by_mps {
            true if named && hooks::open_nvml(None) => nvml::sms(uuid),
            true => None,
            false => Some(sms),
        };
        let grant = Grant { sms, by_mps };
        let device = member.and_then(|member| Some((member, member.device(ordinal)?)));
        if let Some((member, device)) = device {
            member.note_grant(device, all, grant);
            if config.sm.is_some() {
                let payload = [sms.into(), all.unwrap_or(0).into(), by_mps.into()];
                member.record(EventKind::ShareGranted, Some(device), payload);
            }
        }
        if let Some(share) = config.sm {
            say(config, ordinal, (share, all), grant);
        }
        NOTED.store(true, Ordering::Relaxed);
    }
}

fn say(config: &Config, on: c_int, (share, all): (Sm, Option<u32>), grant: Grant) {
    let (sms, of) = (grant.sms, Of(all));
    if !grant.by_mps {
        let why = match config.share {
            Share::Off => return,
            Share::Pace => "CUOTA_SHARE=pace, and pacing is not there yet",
            Share::Auto | Share::Mps => {
                "this process is not under MPS: start its control daemon (cuota mps start) before the program, and give both the same CUDA_MPS_PIPE_DIRECTORY"
            }
        };
        log::warn(
            Topic::Setting,
            format_args!(
                "device {on}: CUOTA_SM={share} is not enforced, it can use all {sms} SMs; {why}"
            ),
        );
        return;
    }
    if !is_for_mps(config) {
        return;
    }
    let asked =
        format_args!("device {on}: CUOTA_SM={share} was asked for and {sms}{of} SMs were granted")
            .to_string();
    let wanted = all.and_then(|all| Some((Percentage::of(share, Some(all))?, all)));
    match wanted.map(|(wanted, all)| (judge(wanted, all, sms), wanted)) {
        None | Some((Verdict::AsAsked, _)) => log::info(Topic::Setting, format_args!("{asked}")),
        // It was said already that it could not be asked for.
        Some((Verdict::More, _)) if std::env::var_os(VARIABLE).is_none() => {}
        Some((Verdict::More, _)) => log::warn(
            Topic::Setting,
            format_args!(
                "{asked}: more; this MPS does not keep to {VARIABLE} (was CUDA set up before cuota could say it?)"
            ),
        ),
        Some((Verdict::Fewer, wanted)) => {
            let there = std::env::var(VARIABLE).unwrap_or_default();
            let inherited = Percentage::parse(&there).is_some_and(|there| there < wanted);
            let why = if inherited {
                format!("{VARIABLE}={there} was set already, and is tighter")
            } else {
                "the MPS daemon's own percentage is tighter (cuota mps status)".to_owned()
            };
            log::warn(Topic::Setting, format_args!("{asked}: fewer; {why}"));
        }
    }
}

/// ` of 132`, if that is known.
struct Of(Option<u32>);

impl fmt::Display for Of {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |all| write!(out, " of {all}"))
    }
}
