//! One client, many processes: nothing over its quota, nothing falsely refused, nothing left; and the
//! same while its members are killed.

mod support;

use std::path::Path;

use support::crowd::written;
use support::{Outcome, Run, Scratch, Way, library, sabotaged};

const QUOTA_MIB: u64 = 128;

/// The program, under the preload, with a quota on a card that has many times as much.
fn run(program: &Path, quota_mib: u64) -> Run {
    let run = Run::new(program, Way::Preloaded);
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    run.env("CUOTA_SIM_BYTES", "16GiB")
        .env("CUOTA_VRAM", format!("{quota_mib}MiB"))
        .env("CUOTA_CLIENT", "storm")
        .env("CUOTA_DIR", clients)
        // A line for each refusal is no part of this.
        .env("CUOTA_LOG", "error")
}

fn storm(
    program: &Path,
    (kinds, operations, quota_mib): (&str, u64, u64),
    library: &Path,
    left_out: &str,
) -> Outcome {
    let run = run(program, quota_mib).env("LD_PRELOAD", library).env("CUOTA_SABOTAGE", left_out);
    run.arg(kinds).arg(operations.to_string()).arg("1").arg(quota_mib.to_string()).any()
}

/// What is wrong with a storm that has passed, if anything; the card may have had so many MiB at once.
fn judge(outcome: &Outcome, most: u64) -> Result<String, String> {
    let said = format!("{}{}", outcome.out(), outcome.err());
    let (highest, left) = (outcome.highest() >> 20, outcome.left_held());
    let written = written(&outcome.file("clients/storm.v1.cuota"));
    if highest > most {
        return Err(format!("{highest} MiB were held at once: {said}"));
    }
    if (written, left) != (0, 0) {
        return Err(format!("{written} bytes are left in the ledger, {left} on the card: {said}"));
    }
    if outcome.output.status.success() {
        Ok(format!("highest {highest}, {said}"))
    } else {
        Err(said)
    }
}

#[test]
fn a_storm_is_exact() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/storm.c", "storm", &[]);
    // Where a request finds room in a pool that is charged already, the driver may make the pool grow all
    // the same. That goes back at once, and the request is refused. A few pages are the harder quota for
    // what shares them.
    for (kinds, operations, quota, over) in [
        ("pages", 150_000, QUOTA_MIB, 0),
        ("small", 50_000, QUOTA_MIB, 0),
        ("small", 100_000, 24, 0),
        ("all", 20_000, QUOTA_MIB, 64),
    ] {
        let outcome = storm(&program, (kinds, operations, quota), &library(), "");
        let said = judge(&outcome, quota + over).unwrap_or_else(|why| panic!("{kinds}: {why}"));
        println!("{kinds}: {said}");
        assert!(!said.contains("refusals 0 "), "the quota was never reached: {said}");
    }
}

#[test]
fn a_storm_notices_what_is_left_out() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/storm.c", "storm", &[]);
    let library = sabotaged();
    for left_out in ["charge:linear", "refund:linear", "charge:vmm", "refund:vmm"] {
        let outcome = storm(&program, ("pages", 30_000, QUOTA_MIB), &library, left_out);
        let why = judge(&outcome, QUOTA_MIB);
        let why = why.err().unwrap_or_else(|| panic!("{left_out} is not noticed"));
        let as_it_is = if left_out.starts_with("charge") { "held at once" } else { "left" };
        assert!(why.contains(as_it_is), "{left_out}: {why}");
    }
}

#[test]
fn the_killed_leave_nothing_and_nobody_hangs() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/kills.c", "kills", &[]);
    let outcome = run(&program, 64).arg("500").arg("1").ok();
    println!("{}", outcome.out());
    let report = cuota_core::book::read(&outcome.file("clients/storm.v1.cuota"), 0);
    let device = report.expect("the ledger can be read").devices.remove(0);
    assert!(device.peak <= 64 << 20, "{} bytes were charged at once", device.peak);
    assert!(device.refused > 0, "the quota was never reached");
}
