//! Every path by which device memory comes to be held: filled to the last byte the quota allows,
//! refused beyond it before the driver saw the call, given back, and filled again.

mod support;

use std::collections::BTreeSet;
use std::process::Command;

use support::quota::{Figures, PROGRAMS, Programs, Row, table};
use support::{Run, Way, facts, root, simulator};

#[test]
fn every_path_fills_to_the_quota_and_no_further() {
    let programs = Programs::new();
    let mut wrong = Vec::new();
    println!("{:<42} {:>10} {:>10}  charged as", "path", "filled", "at most");
    for row in table() {
        let outcome = row.under_quota(&programs).any();
        let (label, kinds) = (row.label(), row.kinds.join(" "));
        match row.judge(&outcome) {
            Ok(Figures { filled, .. }) => {
                println!("{label:<42} {filled:>10} {:>10}  {kinds}", outcome.highest());
            }
            Err(why) => {
                println!("{label:<42} WRONG");
                wrong.push(format!("{label}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// A program that closed its standard error opens the next file under that number; were it the
/// ledger, the first refusal would be printed over it.
#[test]
fn nothing_is_printed_over_the_ledger() {
    let programs = Programs::new();
    let run = Run::new("/bin/sh", Way::Preloaded)
        .arg("-c")
        .arg("exec \"$0\" linear '' <&- 2>&-")
        .arg(programs.of("linear"));
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    let ledger = clients.join(cuota_core::book::file_name("row"));
    let run = run.env("CUOTA_SIM_BYTES", "256MiB").env("CUOTA_VRAM", "66MiB");
    let outcome = run.env("CUOTA_CLIENT", "row").env("CUOTA_DIR", &clients).any();
    assert!(outcome.output.status.success(), "{}", outcome.out());
    let whole = cuota_core::book::read(&ledger, 0);
    assert!(whole.is_ok(), "{whole:?}");
}

/// Refused by the quota is what did not fit, and not what the driver refuses for its arguments.
#[test]
fn only_refusals_are_counted_as_such() {
    let programs = Programs::new();
    let row = table().into_iter().find(|row| row.name == "invalid").expect("it is in the table");
    let run = row.under_quota(&programs);
    let ledger = run.scratch().join("clients").join(cuota_core::book::file_name("row"));
    let outcome = run.any();
    let out = outcome.out();
    let asked = out.lines().filter(|line| line.starts_with("asked "));
    let refused = asked.filter_map(|line| line.split_once(" refused ")?.1.parse::<u64>().ok());
    let report = cuota_core::book::read(&ledger, 0).expect("it was written");
    assert_eq!(report.devices[0].refused, refused.sum::<u64>(), "{out}{}", outcome.err());
}

/// No row, for more than the quota is held meanwhile: the driver took it before we could know.
#[test]
fn what_a_pool_took_too_much_goes_back_when_its_stream_gets_there() {
    let programs = Programs::new();
    let run = Run::new(programs.of("left"), Way::Preloaded).arg("pool-undone");
    let clients = run.scratch().join("clients");
    std::fs::create_dir(&clients).expect("the scratch directory is writable");
    let run = run.env("CUOTA_SIM_BYTES", "256MiB").env("CUOTA_VRAM", "80MiB");
    run.env("CUOTA_CLIENT", "row").env("CUOTA_DIR", &clients).ok();
}

/// The programs are right about the driver: with a card as large as the quota they fill it to the
/// same figure without us.
#[test]
fn the_bare_card_fills_to_the_same_figure() {
    let programs = Programs::new();
    for row in table() {
        let Some((run, filled)) = row.without_us(&programs) else { continue };
        let out = run.ok().out();
        let figures = Figures::read(row.name, &out).unwrap_or_else(|| panic!("{out}"));
        figures.expect(filled).unwrap_or_else(|why| panic!("{}: {why}", row.label()));
    }
}

#[test]
fn every_row_of_the_programs_is_in_the_table() {
    let programs = Programs::new();
    let known: BTreeSet<_> = table().iter().map(|row: &Row| (row.program, row.name)).collect();
    for program in PROGRAMS {
        let listed = Command::new(programs.of(program))
            .env("LD_LIBRARY_PATH", simulator(""))
            .output()
            .expect("just compiled");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let listed: BTreeSet<_> = listed.lines().collect();
        let known: BTreeSet<_> =
            known.iter().filter(|(of, _)| *of == program).map(|(_, name)| *name).collect();
        assert_eq!(listed, known, "{program}");
    }
}

/// Entry points that take memory, give it back or share it and that no row calls, and why.
const NOT_COVERED: &[(&str, &[&str])] = &[
    (
        "the 32-bit ABI of CUDA 3.1, which the simulator does not have",
        &[
            "cuArray3DCreate",
            "cuArrayCreate",
            "cuMemAlloc",
            "cuMemAllocPitch",
            "cuMemFree",
            "cuMemAllocHost",
            "cuModuleGetGlobal",
        ],
    ),
    (
        "an older name of a call a row makes, with the same arguments",
        &[
            "cuGraphInstantiate",
            "cuGraphInstantiate_v2",
            "cuLinkAddData",
            "cuLinkAddFile",
            "cuLinkCreate",
            "cuMemHostRegister",
        ],
    ),
    ("acts on another process", &["cuCheckpointProcessCheckpoint", "cuCheckpointProcessRestore"]),
    (
        "managed memory is charged whole, wherever its pages are",
        &["cuMemDiscardBatchAsync", "cuMemDiscardBatchAsync_ptsz"],
    ),
    (
        "who may reach memory, which takes none",
        &[
            "cuCtxDisablePeerAccess",
            "cuCtxEnablePeerAccess",
            "cuMemGetAccess",
            "cuMemPoolGetAccess",
            "cuMemPoolSetAccess",
            "cuMemGetHandleForAddressRange",
        ],
    ),
    (
        "events and semaphores are not memory",
        &[
            "cuImportExternalSemaphore",
            "cuDestroyExternalSemaphore",
            "cuIpcGetEventHandle",
            "cuIpcOpenEventHandle",
        ],
    ),
    (
        "needs a graphics API, which paid for what it shares",
        &["cuGL*", "cuGraphics*", "cuEGLStream*"],
    ),
    (
        "binds memory that was charged when it was made, and the simulator does not have it",
        &["cuMulticast*", "cuLogicalEndpoint*"],
    ),
    (
        "asks about code that is loaded, or loads by a way that has a row",
        &[
            "cuFuncGet*",
            "cuFuncIsLoaded",
            "cuFuncLoad",
            "cuKernelGetLibrary",
            "cuKernelGetName",
            "cuKernelGetParam*",
            "cuLibraryEnumerateKernels",
            "cuLibraryGetKernelCount",
            "cuLibraryGetUnifiedFunction",
            "cuModuleEnumerateFunctions",
            "cuModuleGetFunction*",
            "cuModuleGetLoadingMode",
            "cuModuleGetSurfRef",
            "cuModuleGetTexRef",
        ],
    ),
    (
        "sets how work runs, at no cost in memory",
        &[
            "cuCtx*CacheConfig",
            "cuCtx*SharedMemConfig",
            "cuCtxResetPersistingL2Cache",
            "cuFuncSet*",
            "cuKernelSet*",
        ],
    ),
];

/// Whether a name is that of a pattern with at most one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

#[test]
fn the_table_covers_every_entry_point_that_holds_memory() {
    let called = called();
    let holding = facts::entry_points().into_iter().filter(|point| {
        let graph = ["cuGraphLaunch", "cuGraphUpload", "cuGraphInstantiate"];
        ["A", "B", "C", "H", "I"].contains(&&*point.class)
            || graph.iter().any(|start| point.name.starts_with(start))
    });
    let left: BTreeSet<_> =
        holding.map(|point| point.name).filter(|name| !called.contains(name)).collect();
    let patterns = || NOT_COVERED.iter().flat_map(|(_, patterns)| *patterns);
    let without: Vec<_> =
        left.iter().filter(|name| !patterns().any(|pattern| fits(pattern, name))).collect();
    assert!(without.is_empty(), "no row calls these, and no reason is given: {without:?}");
    let stale: Vec<_> =
        patterns().filter(|pattern| !left.iter().any(|name| fits(pattern, name))).collect();
    assert!(stale.is_empty(), "reasons without a name: {stale:?}");
}

/// Driver functions the rows' programs name, their declarations left out.
fn called() -> BTreeSet<String> {
    let place = root().join("tests/programs/quota");
    let files = std::fs::read_dir(place).expect("it is there").map(|entry| entry.expect("a file"));
    let programs = files.filter(|file| file.file_name() != "driver.h");
    let text: String = programs
        .map(|file| std::fs::read_to_string(file.path()).expect("a program of the rows"))
        .collect();
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("cu"))
        .map(String::from)
        .collect()
}
