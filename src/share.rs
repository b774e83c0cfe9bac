//! The client's share of the SMs: asked for in the environment MPS reads, before there is a driver to
//! read it; and what came of it, once there is one.
#![forbid(unsafe_code)]

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use cuota_core::book::{Grant, Kind as EventKind};
use cuota_core::config::{Config, Priority, Share, Sm};
use cuota_core::share::{PRIORITY, Percentage, VARIABLE, Verdict, judge, tightened};

use crate::driver::{environment, nvml, query};
use crate::hooks;
use crate::log::{self, Topic};
use crate::member::{Member, OnDevice};
use crate::mps;

/// As the driver numbers its attributes.
const SMS: u32 = 16;

/// Tells MPS, if there is one, what this process may have. Once, and before the driver is loaded.
pub fn ask(config: &Config) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if ASKED.swap(true, Ordering::AcqRel) {
        return;
    }
    if config.priority == Priority::Low && std::env::var_os(PRIORITY).is_none() {
        environment::set(PRIORITY, "1");
    }
    let Some(share) = config.sm.filter(|_| is_for_mps(config)) else { return };
    let sms = if matches!(share, Sm::Count(_)) { most_sms() } else { None };
    let Some(percentage) = Percentage::of(share, sms) else {
        log::warn(
            Topic::Setting,
            format_args!(
                "CUOTA_SM={share}: how many SMs the device has cannot be told before CUDA is initialised, so it cannot be asked for: give a percentage"
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

/// Of the largest device: less than was asked for is better than more.
fn most_sms() -> Option<u32> {
    if hooks::open_nvml(None) { nvml::most_sms() } else { None }
}

/// What the driver gave, for the ledger; and a word where that is not what was asked for. Once CUDA is
/// initialised.
pub fn note(config: &Config, member: &Member) {
    member.note_share(config.sm);
    for device in member.devices() {
        let mut sms = 0;
        let said = query::cuDeviceGetAttribute(&mut sms, SMS, device.ordinal).ok();
        let Some(sms) = u32::try_from(sms).ok().filter(|_| said) else { continue };
        let by_mps = mps::is_client(device.ordinal);
        // Without MPS the driver shows them all.
        let all = if by_mps && hooks::open_nvml(None) { nvml::sms(device.uuid) } else { None };
        let all = all.or((!by_mps).then_some(sms));
        member.note_grant(device, all, Grant { sms, by_mps });
        if let Some(share) = config.sm {
            if by_mps || all.is_some() {
                let payload = [sms.into(), all.unwrap_or(0).into(), by_mps.into()];
                member.record(EventKind::ShareGranted, Some(device), payload);
            }
            say(config, member, device, (share, all), Grant { sms, by_mps });
        }
    }
}

fn say(
    config: &Config,
    member: &Member,
    device: &OnDevice,
    (share, all): (Sm, Option<u32>),
    Grant { sms, by_mps }: Grant,
) {
    let of = Of(all);
    let on = format_args!("client {}, device {}", member.client(), device.ordinal).to_string();
    if !by_mps {
        let why = match config.share {
            Share::Off => return,
            Share::Pace => "CUOTA_SHARE=pace, and pacing is not there yet",
            Share::Auto | Share::Mps => {
                "this process is not under MPS: start its control daemon (nvidia-cuda-mps-control -d) before the program, and give both the same CUDA_MPS_PIPE_DIRECTORY"
            }
        };
        log::warn(
            Topic::Setting,
            format_args!("{on}: CUOTA_SM={share} is not enforced, it can use all {sms} SMs; {why}"),
        );
        return;
    }
    let Some(all) = all.filter(|_| is_for_mps(config)) else { return };
    // An inherited percentage may be tighter still.
    let percentage = std::env::var(VARIABLE).ok().as_deref().and_then(Percentage::parse);
    let Some(wanted) = Percentage::of(share, Some(all)) else { return };
    match judge(percentage.map_or(wanted, |there| there.min(wanted)), all, sms) {
        Verdict::AsAsked => log::info(
            Topic::Setting,
            format_args!("{on}: CUOTA_SM={share} is {sms}{of} SMs, by MPS"),
        ),
        Verdict::More => log::warn(
            Topic::Setting,
            format_args!(
                "{on}: CUOTA_SM={share} was asked for and {sms}{of} SMs were granted: more; this MPS does not keep to {VARIABLE} (a program that set up CUDA before, or another server's)"
            ),
        ),
        Verdict::Fewer => log::warn(
            Topic::Setting,
            format_args!(
                "{on}: CUOTA_SM={share} was asked for and {sms}{of} SMs were granted: fewer; the MPS daemon's own percentage is tighter (get_default_active_thread_percentage)"
            ),
        ),
    }
}

/// ` of 132`, if that is known.
struct Of(Option<u32>);

impl fmt::Display for Of {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |all| write!(out, " of {all}"))
    }
}
