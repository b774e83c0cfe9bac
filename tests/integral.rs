//! Bytes times time: what the ledger says is held for how long is the simulator's own integral. Time
//! is a word that the program moves on between its steps, so both can be exact.

mod support;

use std::path::Path;

use support::{Run, Scratch, Way, sabotaged};

/// The simulator's integrals and the ledger's, in bytes·ns: of what was held, and of what of that pools
/// had idle; and what the ledger cannot be certain of.
fn both(program: &Path, library: &Path, left_out: &str) -> ([i128; 2], [i128; 2], u128) {
    let run = Run::new(program, Way::Preloaded);
    let (clients, clock) = (run.scratch().join("clients"), run.scratch().join("clock"));
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    std::fs::write(&clock, [0; 8]).expect("the scratch directory is writable");
    let outcome = run
        .env("LD_PRELOAD", library)
        .env("CUOTA_SIM_BYTES", "64GiB")
        .env("CUOTA_SIM_CONTEXT_BYTES", "96MiB")
        .env("CUOTA_SIM_CLOCK", &clock)
        .env("CUOTA_CLIENT", "summed")
        .env("CUOTA_DIR", clients)
        .env("CUOTA_SABOTAGE", left_out)
        .arg("3000")
        .arg("11")
        .arg(&clock)
        .ok();
    let ticks: Vec<u64> = outcome.driver_done();
    const BYTE_TICKS: usize = 50;
    const IDLE_TICKS: usize = 51;
    let report = cuota_core::book::read(&outcome.file("clients/summed.v1.cuota"), 0);
    let device = report.expect("the ledger can be read").devices.remove(0);
    let ours = [device.held_byte_ns.cast_signed(), device.idle_byte_ns];
    ([ticks[BYTE_TICKS].into(), ticks[IDLE_TICKS].into()], ours, device.uncertain_byte_ns)
}

#[test]
fn bytes_times_time_are_the_drivers() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("members/integral.c", "integral", &[]);
    let library = sabotaged();
    let (theirs, ours, uncertain) = both(&program, &library, "");
    println!("{theirs:?} byte ns by the driver, {ours:?} in the ledger");
    assert!(theirs.iter().all(|sum| *sum > 100_000_000_000_000), "little was held");
    assert_eq!(theirs, ours);
    assert_eq!(uncertain, 0, "nobody was killed");
    for left_out in ["charge:vmm", "refund:linear", "charge:own", "cut:pool", "returned:pool"] {
        // Whoever ends with a charge that was not taken off leaves a doubt, if another comes to see it.
        let (theirs, ours, _) = both(&program, &library, left_out);
        assert_ne!(theirs, ours, "{left_out} is not noticed");
    }
}
