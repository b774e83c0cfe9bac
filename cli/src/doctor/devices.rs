//! The devices as the driver shows them to a program started here: whether MPS has them, which can be
//! shared how, and who may use them.
#![forbid(unsafe_code)]

use cuota_core::config::Mps;

use super::ask::{Answers, Device};
use super::check::{Check, Severity};
use super::mps::Here;

const CLIENT: &str = "a program that is not under MPS takes turns with those that are, without its share and its priority, and nothing says so";
const ARCH: &str = "before Volta (capability 7.0) MPS has 16 clients a device, no percentages, and nothing between one client's memory and another's";
const MODE: &str = "the compute mode decides whether a second process may use the device";

/// `CUDA_ERROR_MPS_CONNECTION_FAILED`.
const CANNOT_CONNECT: u32 = 805;
pub const VOLTA: (i32, i32) = (7, 0);
const PROHIBITED: i32 = 2;
const EXCLUSIVE_PROCESS: i32 = 3;

pub fn checks(told: &Answers, here: &Here) -> Vec<Check> {
    let client = client(told, here);
    if told.devices.is_empty() {
        let reason = "needs a cuInit that succeeds, and a device";
        let rest = [("arch", ARCH), ("compute-mode", MODE)];
        let rest = rest.map(|(id, why)| Check::not_looked_at(id, why, reason));
        return [client].into_iter().chain(rest).collect();
    }
    vec![client, arch(&told.devices), mode(&told.devices, here)]
}

/// Those of which something is so, by number.
fn which(devices: &[Device], is_so: impl Fn(&Device) -> bool) -> Vec<String> {
    let so = devices.iter().enumerate().filter(|(_, device)| is_so(device));
    so.map(|(number, _)| number.to_string()).collect()
}

fn client(told: &Answers, here: &Here) -> Check {
    let check = |found| Check::ok("mps-client", CLIENT, found);
    if here.wanted == Mps::Require && matches!(told.init, Some((CANNOT_CONNECT, _))) {
        let found = "a program started here is not under MPS, and CUOTA_MPS=require makes its cuInit fail (805)";
        return check(found.to_owned()).worse(Severity::Error, advice(here));
    }
    let devices = &told.devices;
    if devices.is_empty() {
        let reason = "needs a cuInit that succeeds, and a device";
        return Check::not_looked_at("mps-client", CLIENT, reason);
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
        return check(
            "a program started here is not under MPS, and nothing asks for it".to_owned(),
        );
    }
    let found = format!("a program started here uses device {} beside MPS", beside.join(", "));
    match here.wanted {
        Mps::Require => check(found).worse(Severity::Error, advice(here)),
        Mps::Prefer => check(found).worse(Severity::Warn, advice(here)),
        Mps::Ignore => check(found + ", as CUOTA_MPS=ignore allows").worse(Severity::Info, ""),
    }
}

fn advice(here: &Here) -> &'static str {
    if here.answers() {
        "The daemon answers, and the driver did not take it: see `versions` (a driver newer than the daemon), `mps-user` (another user's turn), the daemon's CUDA_VISIBLE_DEVICES, and its control.log and server.log for what it made of the connection."
    } else {
        "See `mps` for why there is no daemon to connect to. To run without MPS, unset CUDA_MPS_PIPE_DIRECTORY and CUOTA_MPS."
    }
}

fn arch(devices: &[Device]) -> Check {
    let old = which(devices, |device| device.capability < VOLTA);
    let all: Vec<String> = devices
        .iter()
        .map(|Device { capability: (major, minor), .. }| format!("{major}.{minor}"))
        .collect();
    let found = format!("compute capability, device by device: {}", all.join(", "));
    let check = Check::ok("arch", ARCH, found);
    if old.is_empty() {
        return check;
    }
    let advice = format!(
        "Expect neither CUOTA_SM nor separate faults on device {}, and fewer clients. Quotas of memory hold as elsewhere.",
        old.join(", ")
    );
    check.worse(Severity::Warn, advice)
}

fn mode(devices: &[Device], here: &Here) -> Check {
    let check = |found| Check::ok("compute-mode", MODE, found);
    let prohibited = which(devices, |device| device.compute_mode == PROHIBITED);
    if let Some(device) = prohibited.first() {
        let found =
            format!("device {} is PROHIBITED: no program may use it", prohibited.join(", "));
        let advice =
            format!("As root: nvidia-smi -i {device} -c DEFAULT, or EXCLUSIVE_PROCESS under MPS.");
        return check(found).worse(Severity::Error, advice);
    }
    let exclusive = which(devices, |device| device.compute_mode == EXCLUSIVE_PROCESS);
    if let (Some(device), false) = (exclusive.first(), here.answers()) {
        let found = format!(
            "device {} is EXCLUSIVE_PROCESS, and no MPS daemon answers: a second process gets no context",
            exclusive.join(", ")
        );
        let advice = format!(
            "Start the daemon (`cuota mps start`), or as root: nvidia-smi -i {device} -c DEFAULT."
        );
        return check(found).worse(Severity::Warn, advice);
    }
    if exclusive.len() == devices.len() {
        let found = "EXCLUSIVE_PROCESS: who cannot connect to the daemon gets an error";
        return check(found.to_owned());
    }
    if here.answers() {
        let found = "DEFAULT: who cannot connect to the daemon uses the device beside MPS and is not told; EXCLUSIVE_PROCESS (nvidia-smi -c) would refuse it";
        return check(found.to_owned()).worse(Severity::Info, "");
    }
    check("DEFAULT: any number of processes may use a device".to_owned())
}
