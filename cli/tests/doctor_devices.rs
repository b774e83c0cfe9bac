//! `cuota doctor` about the devices and the driver, as a program started here sees them.

mod common;

use std::fs;

use common::doctor::{is, is_absent, report, report_of};
use common::real::{Daemon, unpacked};
use common::{Folder, simulated};

/// No daemon is meant, whatever runs on this machine.
const NO_MPS: (&str, &str) = ("CUDA_MPS_PIPE_DIRECTORY", "");

#[test]
fn devices_that_mps_serves_otherwise_are_named() {
    is(&report(&[]).1, "arch", "ok", "9.0");
    let old = report(&[("CUOTA_SIM_CARDS", "2"), ("CUOTA_SIM_ARCH", "sm_70,sm_60")]).1;
    is(&old, "arch", "warn", "7.0, 6.0");
}

#[test]
fn code_that_mps_may_refuse_is_told_of() {
    is_absent(&report(&[NO_MPS]).1, "mps-code");
    is(
        &report(&[("CUOTA_SIM_MPS", "1")]).1,
        "mps-code",
        "info",
        "dynamic parallelism under MPS (811)",
    );
}

#[test]
fn a_mode_that_keeps_programs_out_is_noticed() {
    let mode = |mode| report(&[NO_MPS, ("CUOTA_SIM_COMPUTE_MODE", mode)]);
    is(&mode("exclusive_process").1, "compute-mode", "warn", "a second process");
    let (status, prohibited) = mode("prohibited");
    is(&prohibited, "compute-mode", "error", "no program may use it");
    assert_eq!(status, Some(2));
    is(&mode("default").1, "compute-mode", "ok", "any number of processes");
}

#[test]
fn a_driver_newer_than_the_daemon_is_noticed() {
    let (_, without) = report(&[NO_MPS]);
    is(&without, "versions", "ok", "CUDA 13.");
    let Some(unpacked) = unpacked() else { return };
    let folder = Folder::new("doctor-versions");
    let daemon = Daemon::start(&unpacked, &folder, "pipes", &[]);
    let of = |release: &str| {
        let driver = folder.path(&format!("libcuda.so.{release}"));
        fs::copy(simulated(""), &driver).expect("ours");
        report_of(&[], &driver, &daemon.named()).1
    };
    // Debian's, of its branch 535: what it says nowhere but in its program.
    let theirs = fs::read_dir(unpacked.join("usr/lib/x86_64-linux-gnu/nvidia/current"));
    let names = theirs.expect("libcuda1").map(|entry| entry.expect("listed").file_name());
    let mut releases = names.filter_map(|name| {
        name.to_str()?.strip_prefix("libcuda.so.").filter(|it| it.contains('.')).map(String::from)
    });
    let same = releases.next().expect("the library of the daemon's package");
    is(&of(&same), "versions", "ok", &format!("MPS daemon {same}"));
    is(&of("999.10.01"), "versions", "warn", "driver library 999.10.01");
    let branch = same.split('.').next().expect("a branch");
    is(&of(&format!("{branch}.0")), "versions", "info", &format!("{branch}.0"));
    // A file that does not say it: NVML does.
    let (_, by_nvml) = report_of(&[], &simulated(""), &[daemon.named()[0], nvml(&libraries())]);
    is(&by_nvml, "versions", "warn", "driver 615.");
    let none = report_of(&[], &folder.path("none"), &daemon.named()).1;
    is(&none, "versions", "unknown", "needs a driver");
}

/// Where the simulated NVML is found.
fn libraries() -> String {
    simulated("").parent().expect("a folder").display().to_string()
}

fn nvml(libraries: &str) -> (&str, &str) {
    ("LD_LIBRARY_PATH", libraries)
}

#[test]
fn a_variable_newer_than_the_driver_is_noticed() {
    let limit = [NO_MPS, ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", "0=1G")];
    is_absent(&report(&limit).1, "too-old");
    let (_, old) = report_of(&[], &simulated("470"), &limit);
    is(&old, "too-old", "warn", "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT");
    is_absent(&report_of(&[], &simulated("470"), &[NO_MPS]).1, "too-old");
}

#[test]
fn a_driver_that_takes_no_limit_from_a_cgroup_has_none() {
    is(&report_of(&[], &simulated("580"), &[NO_MPS]).1, "dmem", "ok", "no limit from a cgroup");
}
