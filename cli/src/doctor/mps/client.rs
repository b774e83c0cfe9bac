//! Whether a program started here gets under MPS, as the driver told it.
#![forbid(unsafe_code)]

use cuota_core::config::Mps;

use super::Here;
use crate::doctor::answers::MPS_REFUSES;
use crate::doctor::ask::Answers;
use crate::doctor::check::{Check, Severity};
use crate::doctor::devices::{NEEDS_DEVICES, which};

const REFUSED: &str = "a program that MPS refuses, or that has CUOTA_MPS=require, does not start";
const CLIENT: &str = "a program that is not under MPS takes turns with those that are, without its share and its priority, and nothing says so";

pub fn check(told: &Answers, here: &Here) -> Check {
    let check = |found| Check::ok("mps-client", CLIENT, found);
    if let Some((status, _)) = told.init.as_ref().filter(|(it, _)| MPS_REFUSES.contains(it)) {
        let found =
            format!("a program started here does not get under MPS: cuInit answers {status}");
        return Check::ok("mps-client", REFUSED, found).worse(Severity::Error, advice(here));
    }
    let devices = &told.devices;
    if devices.is_empty() {
        return Check::not_looked_at("mps-client", CLIENT, NEEDS_DEVICES);
    }
    if devices.iter().any(|device| device.under_mps.is_none()) {
        let reason = "this driver is too old to tell a program whether it is under MPS";
        if !here.is_in_play() {
            return check(format!("{reason}; nothing asks for it")).worse(Severity::Info, "");
        }
        return Check::not_looked_at("mps-client", CLIENT, reason);
    }
    let beside = which(devices, |device| device.under_mps == Some(false));
    if beside.is_empty() {
        return check("a program started here is under MPS, on every device it sees".to_owned());
    }
    if beside.len() == devices.len() && !here.is_in_play() {
        let found = "a program started here is not under MPS, and nothing asks for it";
        return check(found.to_owned());
    }
    let found = format!("a program started here uses device {} beside MPS", beside.join(", "));
    match here.wanted {
        Mps::Require => check(found).worse(Severity::Error, advice(here)),
        Mps::Prefer => check(found).worse(Severity::Warn, advice(here)),
        Mps::Ignore => check(found + ", as CUOTA_MPS=ignore allows").worse(Severity::Info, ""),
    }
}

const CODE: &str = "what runs without MPS may be refused under it";

/// What of a program's code MPS may not take: told where a program gets under it.
pub fn code(told: &Answers) -> Option<Check> {
    told.devices.iter().any(|device| device.under_mps == Some(true)).then(|| {
        let found = "older drivers refuse modules with dynamic parallelism under MPS (811), which is seen when one is loaded: build without, or run that program beside MPS. A cooperative launch, in a CUDA graph or not, has room on the SMs granted only (720): size its grid by what the driver says at run time";
        Check::ok("mps-code", CODE, found.to_owned()).worse(Severity::Info, "")
    })
}

fn advice(here: &Here) -> String {
    if !here.answers() {
        return "See `mps` for what is the matter with the daemon. Where no MPS is meant, unset CUDA_MPS_PIPE_DIRECTORY and CUOTA_MPS.".to_owned();
    }
    format!(
        "The daemon answers, and gave no server. Mend what is wrong below first; if nothing is, see `versions` (a driver newer than the daemon), `mps-user` (another user's turn), `mps-path` (no server), the daemon's CUDA_VISIBLE_DEVICES, and {} for what became of the server.",
        here.logs()
    )
}
