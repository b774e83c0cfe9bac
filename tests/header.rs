//! `include/cuota.h` says what the Rust side writes: a program in C reads a tally by it alone, and says
//! where everything of a ledger is.

mod support;

use std::fmt::Write;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use cuota_core::book::layout::{self, DEVICES, count, device, event, header, member};
use cuota_core::book::{Count, Direction, Kind, Memory, Verdict};
use cuota_core::kind as memory;
use cuota_core::ledger::{
    Account, HEAD, Idle, LANE, NOTE, SLOT, Slot, Total, TotalWord, UNLIMITED, head,
};
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

/// Whoever includes it may be strict, and may be C++.
#[test]
fn the_header_is_clean_in_c_and_in_cpp() {
    let scratch = Scratch::new();
    for name in ["all.c", "all.cpp"] {
        let text = "#include \"cuota.h\"\nint main(void) { return 0; }\n";
        std::fs::write(scratch.join(name), text).expect("ours");
    }
    let strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-DCUOTA_READER"];
    let posix = "-D_POSIX_C_SOURCE=200809L";
    for (compiler, standard, file) in [
        ("gcc", "-std=c99", "all.c"),
        ("gcc", "-std=c11", "all.c"),
        ("g++", "-std=c++11", "all.cpp"),
        ("g++", "-std=c++20", "all.cpp"),
    ] {
        let mut command = Command::new(compiler);
        command.args(strict).args([posix, standard, "-o", "/dev/null"]).arg(scratch.join(file));
        let made = command.arg("-I").arg(root().join("include")).output().expect("it can be run");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{standard}: {said}");
    }
}

#[test]
fn the_header_says_where_everything_of_a_ledger_is() {
    let scratch = Scratch::new();
    let include = format!("-I{}", root().join("include").display());
    let program = scratch.compile("header.c", "header", &[&include, "-std=c11"]);
    let said = Run::new(&program, Way::Bare).ok().out();
    let mark = layout::MARK.to_le_bytes();
    let mut expected = format!("mark {}\n", String::from_utf8_lossy(&mark));
    let numbers = [
        ("LEDGER_VERSION", layout::VERSION),
        ("LEDGER_DEVICES", DEVICES as u64),
        ("LEDGER_FEWEST_MEMBERS", layout::FEWEST_MEMBERS),
        ("LEDGER_MOST_MEMBERS", layout::MOST_MEMBERS),
        ("LEDGER_MOST_EVENTS", layout::MOST_EVENTS),
        ("LEDGER_MOST_BYTES", layout::MOST_FILE_BYTES),
        ("LEDGER_PAGE", layout::PAGE),
        ("LEDGER_APART", layout::APART),
        ("UNLIMITED", UNLIMITED),
        ("BLOCKS", count::BLOCKS as u64),
    ];
    for (name, number) in numbers {
        let _ = writeln!(expected, "{name} {number}");
    }
    let mut part = |name: &str, words: usize, fields: &[(&str, usize)]| {
        let _ = writeln!(expected, "{name} {}", words * 8);
        for (field, word) in fields {
            let _ = writeln!(expected, "{name}.{field} {}", word * 8);
        }
    };
    let ledger = [
        ("mark", header::MARK),
        ("version", header::VERSION),
        ("members", header::MEMBERS),
        ("devices", header::DEVICES),
        ("events", header::EVENTS),
        ("ring_at", header::RING_AT),
        ("devices_at", header::DEVICES_AT),
        ("device_bytes", header::DEVICE_BYTES),
        ("epoch", header::EPOCH),
        ("created_wall", header::CREATED_WALL),
        ("created_boot", header::CREATED_BOOT),
        ("boot_id", header::BOOT_ID),
        ("owner", header::OWNER),
        ("client", header::CLIENT),
        ("labels", header::LABELS),
        ("last_id", header::LAST_ID),
        ("generation", header::GENERATION),
        ("drain", header::DRAIN),
        ("written", header::WRITTEN),
        ("ring_bytes", header::RING_BYTES),
        ("places", header::PLACES),
        ("left", header::LEFT),
        ("passed", header::PASSED),
        ("directory", header::DIRECTORY),
    ];
    part("ledger", header::WORDS, &ledger);
    part("directory", header::DIRECTORY_ENTRY, &[("uuid", 0), ("claimed", 2)]);
    let members = [
        ("owner", member::OWNER),
        ("pid", member::PID),
        ("start", member::START),
        ("pid_namespace", member::PID_NAMESPACE),
        ("user", member::USER),
        ("joined", member::JOINED),
        ("settled", member::SETTLED),
        ("written", member::WRITTEN),
        ("name", member::NAME),
        ("leaving", member::LEAVING),
        ("share", member::SHARE),
        ("gone_at", member::GONE_AT),
        ("fault_of", member::FAULT_OF),
        ("fault_at", member::FAULT_AT),
        ("fault", member::FAULT),
        ("fault_busy", member::FAULT_BUSY),
        ("fault_function", member::FAULT_FUNCTION),
        ("fault_stream", member::FAULT_STREAM),
        ("culprit_pid", member::CULPRIT_PID),
        ("fault_call", member::FAULT_CALL),
        ("culprit", member::CULPRIT),
    ];
    part("member", member::WORDS, &members);
    let devices = [
        ("total", device::TOTAL),
        ("limit", device::LIMIT),
        ("wanted", device::WANTED),
        ("by_command", device::BY_COMMAND),
        ("peak", device::PEAK),
        ("uuid", device::UUID),
        ("bytes", device::BYTES),
        ("context_bytes", device::CONTEXT_BYTES),
        ("sms", device::SMS),
        ("refused", device::REFUSED),
        ("refused_bytes", device::REFUSED_BYTES),
    ];
    part("device", device::LANES, &devices);
    let (head, slot, note) = lane_slot_and_note();
    part("lane", LANE, &head);
    part("slot", SLOT, &slot);
    part("note", NOTE, &note);
    part("sum", 2, &[("calls", 0), ("bytes", 1)]);
    let what = [Memory::Taken, Memory::Freed, Memory::Refused].map(|what| 2 * what as usize);
    let [taken, freed, refused] = what;
    part("memory", count::MEMORY_EACH, &[("taken", taken), ("freed", freed), ("refused", refused)]);
    let block = [
        ("count", 0),
        ("copies", Count::Copies as usize),
        ("begun", count::BEGUN),
        ("ended", count::ENDED),
        ("quiet", count::QUIET),
        ("faults", count::FAULTS),
        ("memory", count::MEMORY),
        ("earlier_for", count::EARLIER_FOR),
    ];
    part("block", count::WORDS, &block);
    part("counts", count::PLACE, &[("block", count::EARLIER)]);
    let events = [
        ("state", event::STATE),
        ("time", event::TIME),
        ("member", event::MEMBER),
        ("kind", event::KIND),
        ("payload", event::PAYLOAD),
        ("check", event::CHECK),
    ];
    part("event", event::WORDS, &events);
    let mut number = |name: &str, value: usize| {
        let _ = writeln!(expected, "{} {value}", name.to_uppercase().replace(' ', "_"));
    };
    COUNTS.iter().for_each(|count| number(&snake(&format!("{count:?}")), *count as usize));
    Direction::ALL.iter().for_each(|direction| number(direction.name(), *direction as usize));
    number("directions", Direction::ALL.len());
    memory::Kind::ALL.iter().for_each(|kind| number(kind.name(), *kind as usize));
    number("ways", memory::Kind::ALL.len());
    Kind::ALL.iter().for_each(|kind| number(kind.name(), *kind as usize));
    Verdict::ALL.iter().for_each(|verdict| number(verdict.name(), *verdict as usize));
    assert_eq!(said, expected);
    let total = Total { used: 1, reaps: 2, lane: 3, seq: 4 };
    assert_eq!(total.halves(), [1 | 2 << 48, 4 | 3 << 48]);
}

const COUNTS: [Count; Count::Copies as usize] = [
    Count::Kernels,
    Count::Cooperative,
    Count::Graphs,
    Count::GraphKernels,
    Count::Waits,
    Count::WaitedNs,
    Count::ContextsMade,
    Count::ContextsGone,
    Count::ModulesLoaded,
    Count::ModulesUnloaded,
    Count::Fills,
    Count::FillBytes,
];

/// `TwoWords` as `two_words`.
fn snake(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

type Fields<const N: usize> = [(&'static str, usize); N];

/// Where a lane's own code puts what it says.
fn lane_slot_and_note() -> (Fields<10>, Fields<5>, Fields<3>) {
    struct None;
    impl TotalWord for None {
        fn read(&self) -> Total {
            Total { used: 0, reaps: 0, lane: 0, seq: 0 }
        }
        fn replace(&self, _: Total, _: Total) -> Result<(), Total> {
            Ok(())
        }
    }
    let (limit, peak) = (AtomicU64::new(0), AtomicU64::new(0));
    let words = [const { AtomicU64::new(0) }; 2 * LANE];
    let account = Account::new(None, &limit, &peak, words.as_chunks().0);
    let lane = account.lane(0).expect("it is there");
    let marks = [(lane.owner(), 11), (lane.applied(), 12), (lane.heartbeat(), 13)];
    for (word, mark) in marks.into_iter().chain([(lane.noticed(), 14)]) {
        word.store(mark, Ordering::Relaxed);
    }
    let wide = |low: u128| low | (low + 1) << 64;
    let idle = Idle { bytes: 22, moment: wide(23) };
    let slot = Slot { charge: 1, untracked: 2, time: 3, moment: wide(4), uncertain: wide(6), idle };
    // The second slot, then the first: number / 2 % 2.
    lane.write(6, &slot);
    let find = |mark| words.iter().position(|word| word.load(Ordering::Relaxed) == mark);
    let at = |mark| find(mark).expect("it was written");
    assert_eq!(at(1), HEAD + SLOT);
    lane.write(8, &slot);
    let within = |mark| at(mark) - HEAD;
    assert_eq!((within(5), within(7)), (within(4) + 1, within(6) + 1));
    lane.write_note(1, 21, idle);
    assert_eq!(at(21), HEAD + 2 * SLOT + NOTE);
    lane.write_note(0, 21, idle);
    let note = [21, 22, 23].map(|mark| at(mark) - HEAD - 2 * SLOT);
    assert_eq!(at(24), at(23) + 1);
    (
        [
            ("owner", at(11)),
            ("applied", at(12)),
            ("heartbeat", at(13)),
            ("noticed", at(14)),
            ("granted_to", head::GRANTED_TO),
            ("grant", head::GRANT),
            ("blind", head::BLIND),
            ("stopped", head::STOPPED),
            ("slot", HEAD),
            ("note", HEAD + 2 * SLOT),
        ],
        [
            ("charge", within(1)),
            ("untracked", within(2)),
            ("time", within(3)),
            ("moment", within(4)),
            ("uncertain", within(6)),
        ],
        [("since", note[0]), ("bytes", note[1]), ("moment", note[2])],
    )
}
