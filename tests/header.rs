//! `include/cuota.h` says what the Rust side writes: a program in C reads a tally by it alone.

mod support;

use std::fmt::Write;

use cuota_core::tally::Report;
use support::{Run, Scratch, Way, root};

#[test]
fn a_c_program_reads_a_tally_by_the_header() {
    let scratch = Scratch::new();
    let include = format!("-I{}", root().join("include").display());
    let reader = scratch.compile("header.c", "header", &[&include, "-std=c11"]);
    let program = scratch.compile("opened.c", "opened", &[]);
    let tally = scratch.join("tally");
    for how in ["dlsym", "cuGetProcAddress_v2"] {
        let run = Run::new(&program, Way::Preloaded).env("CUOTA_TALLY", &tally);
        run.arg("libcuda.so.1").arg("n").arg(how).ok();
    }
    let report = Report::read_file(&tally).expect("it was counted");
    let mut expected = String::new();
    for line in report.entries.iter().filter(|line| line.calls > 0) {
        let kind = line.kind as u32 + 1;
        let _ = writeln!(
            expected,
            "{} {kind} {} {} {}",
            line.name, line.calls, line.by_dlsym, line.by_driver
        );
    }
    assert!(expected.lines().count() > 10, "{expected}");
    assert_eq!(Run::new(&reader, Way::Bare).arg(&tally).ok().out(), expected);
}
