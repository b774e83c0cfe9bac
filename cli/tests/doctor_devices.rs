//! `cuota doctor` about the devices and the driver, as a program started here sees them.

mod common;

use common::doctor::{is, report};

/// No daemon is meant, whatever runs on this machine.
const NO_MPS: (&str, &str) = ("CUDA_MPS_PIPE_DIRECTORY", "");

#[test]
fn devices_that_mps_serves_otherwise_are_named() {
    is(&report(&[]).1, "arch", "ok", "9.0");
    let old = report(&[("CUOTA_SIM_CARDS", "2"), ("CUOTA_SIM_ARCH", "sm_70,sm_60")]).1;
    is(&old, "arch", "warn", "7.0, 6.0");
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
