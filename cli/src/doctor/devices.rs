//! The devices as the driver shows them to a program started here: which can be shared how, and who may
//! use them.
#![forbid(unsafe_code)]

use super::ask::{Answers, Device};
use super::check::{Check, Severity};
use super::mps::Here;

const ARCH: &str = "before Volta (capability 7.0) MPS has 16 clients a device, no percentages, and no protection of one client's memory from another";
const MODE: &str = "EXCLUSIVE_PROCESS lets one process use a device, which is to be the MPS server; DEFAULT lets all";

pub const NEEDS_DEVICES: &str = "needs a cuInit that succeeds, and a device";

pub const VOLTA: (i32, i32) = (7, 0);
const PROHIBITED: i32 = 2;
const EXCLUSIVE_PROCESS: i32 = 3;

pub fn checks(told: &Answers, here: &Here) -> Vec<Check> {
    if told.devices.is_empty() {
        let all = [("arch", ARCH), ("compute-mode", MODE)];
        return all.map(|(id, why)| Check::not_looked_at(id, why, NEEDS_DEVICES)).into();
    }
    vec![arch(&told.devices), mode(&told.devices, here)]
}

/// Those of which something is so, by number.
pub fn which(devices: &[Device], is_so: impl Fn(&Device) -> bool) -> Vec<String> {
    let so = devices.iter().enumerate().filter(|(_, device)| is_so(device));
    so.map(|(number, _)| number.to_string()).collect()
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
        "Nothing to repair: on device {} CUOTA_SM has no effect, there are at most 16 clients, and one can write over another's memory. Quotas of memory hold as elsewhere.",
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
