//! What the ledger counts is what the driver did, by the driver's own account (`sim/src/done.rs`).

mod support;

use std::path::Path;

use cuota_core::book::{Count, Counts, Direction, Memory};
use cuota_core::kind::Kind;
use support::{Outcome, Run, Scratch, Way, library, sabotaged};

/// More than a million counted calls.
const OPERATIONS: u64 = 500_000;

fn run(program: &Path, library: &Path, left_out: &str, operations: u64) -> Outcome {
    let run = Run::new(program, Way::Preloaded);
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    run.env("LD_PRELOAD", library)
        .env("CUOTA_SIM_BYTES", "64GiB")
        .env("CUOTA_CLIENT", "counted")
        .env("CUOTA_DIR", clients)
        .env("CUOTA_SABOTAGE", left_out)
        .arg(operations.to_string())
        .arg("7")
        .any()
}

/// What the driver has done and what the ledger says of it, side by side.
fn compared(outcome: &Outcome) -> Vec<(String, u64, u64)> {
    let done = outcome.driver_done();
    let report = cuota_core::book::read(&outcome.file("clients/counted.v1.cuota"), 0);
    let report = report.expect("the ledger can be read");
    let counts = &report.devices[0].counts;
    let mut rows = Vec::new();
    let mut row = |name: &str, at: usize, ours: u64| rows.push((name.to_string(), done[at], ours));
    for (name, at, what) in [
        ("kernels", 0, Count::Kernels),
        ("cooperative", 1, Count::Cooperative),
        ("graphs", 2, Count::Graphs),
        ("kernels of graphs", 3, Count::GraphKernels),
        ("waits", 4, Count::Waits),
        ("contexts made", 5, Count::ContextsMade),
        ("contexts gone", 6, Count::ContextsGone),
        ("modules loaded", 7, Count::ModulesLoaded),
        ("modules unloaded", 8, Count::ModulesUnloaded),
        ("fills", 10, Count::Fills),
        ("bytes filled", 11, Count::FillBytes),
    ] {
        row(name, at, counts.of(what));
    }
    for (place, direction) in Direction::ALL.into_iter().enumerate() {
        let (mut calls, mut bytes) = counts.copied(direction);
        // The driver's account has those between contexts among those within the device.
        if direction == Direction::DeviceToDevice {
            let (peer, peer_bytes) = counts.copied(Direction::Peer);
            (calls, bytes) = (calls + peer, bytes + peer_bytes);
        }
        let at = match direction {
            Direction::Peer => 24,
            _ => 12 + 2 * place,
        };
        row(direction.name(), at, calls);
        row(&format!("bytes {}", direction.name()), at + 1, bytes);
    }
    memory(counts, &mut row);
    rows
}

fn memory(counts: &Counts, row: &mut impl FnMut(&str, usize, u64)) {
    for (name, at, kinds, bytes_too) in [
        ("linear", 26, &[Kind::Linear, Kind::Pitched][..], true),
        ("managed", 30, &[Kind::Managed], true),
        ("pool", 34, &[Kind::Pool], true),
        ("vmm", 38, &[Kind::Vmm], true),
        ("array", 42, &[Kind::Array], true),
        // Their bytes are what is charged: whole shares of a page.
        ("mipmap", 46, &[Kind::Mipmap], false),
    ] {
        for (place, what) in [Memory::Taken, Memory::Freed].into_iter().enumerate() {
            let sums = kinds.iter().map(|kind| counts.memory(*kind, what));
            let (calls, bytes) = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            row(&format!("{name} {what:?}"), at + 2 * place, calls);
            if bytes_too {
                row(&format!("{name} bytes {what:?}"), at + 2 * place + 1, bytes);
            }
        }
    }
}

#[test]
fn everything_is_counted_as_the_driver_did_it() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/counts.c", "counts", &[]);
    let outcome = run(&program, &library(), "", OPERATIONS);
    assert!(outcome.output.status.success(), "{}", outcome.err());
    let rows = compared(&outcome);
    for (name, theirs, ours) in &rows {
        println!("{name}: {theirs} by the driver, {ours} in the ledger");
    }
    let calls: u64 = rows.iter().filter(|row| !row.0.contains("bytes")).map(|row| row.1).sum();
    assert!(calls > 1_000_000, "only {calls} in all");
    for (name, theirs, ours) in &rows {
        assert_eq!(theirs, ours, "{name}");
        assert!(*theirs > 0, "{name} never happened");
    }
}

#[test]
fn a_count_that_is_left_out_is_noticed() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/counts.c", "counts", &[]);
    let library = sabotaged();
    for left_out in ["count:work", "count:copy", "count:memory", "count:capture"] {
        let outcome = run(&program, &library, left_out, 24_000);
        assert!(outcome.output.status.success(), "{}", outcome.err());
        let differ = compared(&outcome).iter().filter(|(_, theirs, ours)| theirs != ours).count();
        assert!(differ > 0, "{left_out} is not noticed");
    }
}
