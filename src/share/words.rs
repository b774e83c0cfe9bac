//! A word about what was granted, where it is not what was asked for.
#![forbid(unsafe_code)]

use core::ffi::c_int;
use core::fmt;

use cuota_core::book::Grant;
use cuota_core::config::{Config, Share, Sm};
use cuota_core::share::{PARTITION, Percentage, VARIABLE, Verdict, judge};

use super::is_for_mps;
use crate::log::{self, Topic};
use crate::mps;

pub fn say(config: &Config, on: c_int, (share, all): (Sm, Option<u32>), grant: Grant) {
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
    if let Some(partition) = mps::partition() {
        return of_partition(&partition, on, (share, all), grant);
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

/// The partition decides, whatever was asked for.
fn of_partition(partition: &str, on: c_int, (share, all): (Sm, Option<u32>), grant: Grant) {
    let (sms, of) = (grant.sms, Of(all));
    if !grant.exclusive {
        log::warn(
            Topic::Setting,
            format_args!(
                "device {on}: CUOTA_SM={share} is not asked for where {PARTITION} is set, and {partition} reserves nothing of this device (is the daemon started with -S?): it can use {sms}{of} SMs"
            ),
        );
        return;
    }
    let wanted = all.and_then(|all| Some((Percentage::of(share, Some(all))?, all)));
    let verdict = wanted.map(|(wanted, all)| judge(wanted, all, sms));
    let said = format_args!(
        "device {on}: {partition} reserves {sms}{of} SMs, and CUOTA_SM={share} is passed over"
    )
    .to_string();
    match verdict {
        Some(Verdict::More) => log::warn(Topic::Setting, format_args!("{said}: they are more")),
        _ => log::info(Topic::Setting, format_args!("{said}")),
    }
}

/// ` of 132`, if that is known.
struct Of(Option<u32>);

impl fmt::Display for Of {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.0.map_or(Ok(()), |all| write!(out, " of {all}"))
    }
}
