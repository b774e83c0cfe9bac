//! `cuota top`: once as text, as JSON, and on a terminal that is left as it was found.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use common::member::sharing;
use common::{Folder, cuota, ended};
use cuota_core::book::layout::Layout;
use cuota_core::book::{self, Book, Count, Device, Member, Plan, Seat, Wish};
use cuota_core::ledger::{Change, Exact, join};
use cuota_core::shm::clock;
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;

/// A client with one member, for as long as this is kept.
struct Client {
    book: Book,
    seat: Seat,
}

fn client(directory: &Path, name: &str, bytes: u64, limit: Option<u64>) -> Client {
    let plan = Plan {
        directory,
        make_directory: false,
        client: name,
        labels: "",
        layout: Layout::new(64, 64),
        boot: [0, 0],
    };
    let book = book::open(&plan).expect("a ledger can be made");
    let now = clock::boot_time();
    let who = Member { pid: 4711, name: "trainer".into(), ..Member::default() };
    let seat = book.seat(&who, now).expect("there is room");
    let device = Device { uuid: *b"0123456789abcdef", bytes: 16 * GIB };
    let door = book.door().expect("nobody else is there");
    door.settle(seat, &[Wish { device, limit }], &book.witness(seat.id, 0), now)
        .expect("there is room");
    drop(door);
    let part = book.part(0).expect("claimed");
    let witness = book.witness(seat.id, 0);
    let mut lane =
        join::<Exact, _, _>(&part.account(), seat.index, seat.id, now, &witness).expect("a lane");
    lane.change(&part.account(), Change::Force(bytes), now, &witness);
    assert!(book.open_counts(0, seat));
    Client { book, seat }
}

impl Client {
    fn launches(&self, kernels: u64) {
        let part = self.book.part(0).expect("claimed");
        part.block(self.seat.index, 1).expect("opened").add(Count::Kernels, kernels);
    }
}

fn once(directory: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    ended(cuota(["top", "--once", "--dir"]).arg(directory).args(more))
}

#[test]
fn once_is_a_table_of_eighty_columns() {
    let folder = Folder::new("top-once");
    let directory = folder.ledgers();
    let _small = client(&directory, "small", GIB, Some(4 * GIB));
    let large = client(&directory, "large", 8 * GIB, None);
    large.launches(7);
    let (status, out, err) = once(&directory, &[]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].last(), Some(&"BYTE-HOURS"), "{out}");
    let device = "GPU-30313233";
    assert_eq!(lines[1][..6], ["large", device, "8", "GiB", "-", "[|||||"], "{out}");
    assert_eq!(lines[2][..6], ["small", device, "1", "GiB", "4", "GiB"], "{out}");
    assert!(out.lines().all(|line| line.len() <= 80) && !out.contains("/S"), "{out}");

    let (_, out, _) = once(&directory, &["--sort", "client", "--width", "40", "small"]);
    assert!(out.starts_with("CLIENT") && !out.contains("large"), "{out}");
    assert!(out.lines().all(|line| line.len() <= 40), "{out}");
    // Asked for, rates are those of two looks.
    let (_, out, _) = once(&directory, &["--rates", "--interval", "0.1"]);
    assert!(out.contains("LAUNCH/S") && out.contains(" 0 B "), "{out}");
    let (status, _, err) = once(&directory, &["nobody"]);
    assert!(status == Some(1) && err.contains("Clients there: large, small"), "{err}");
}

#[test]
fn what_cannot_be_read_is_counted() {
    let folder = Folder::new("top-bad");
    let directory = folder.ledgers();
    let _good = client(&directory, "good", GIB, None);
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    fs::write(directory.join("\u{1b}[31m.v1.cuota"), "").expect("ours");
    let (status, out, _) = once(&directory, &[]);
    assert_eq!(status, Some(1));
    assert!(out.contains("good ") && out.contains("2 ledgers cannot be read"), "{out}");
    let (status, out, _) = once(&directory, &["--json"]);
    assert!(status == Some(1) && !out.contains('\u{1b}'), "{out}");
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(report["unreadable"].as_array().map(Vec::len), Some(2));
    let (status, _, err) = once(&folder.path("missing"), &[]);
    assert!(status == Some(125) && err.contains("missing"), "{err}");
}

#[test]
fn json_is_an_object_a_line() {
    let folder = Folder::new("top-json");
    let directory = folder.ledgers();
    let busy = client(&directory, "busy", GIB, Some(4 * GIB));
    busy.launches(7);
    let (status, out, err) = once(&directory, &["--json"]);
    assert_eq!((status, err.as_str(), out.lines().count()), (Some(0), "", 1));
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    let device = &report["clients"][0]["devices"][0];
    assert_eq!((&device["used"], &device["launches"]), (&json!(GIB), &json!(7)));
    assert_eq!(device.get("launches_per_second"), None, "not known, not zero");

    let mut command = cuota(["top", "--json", "--interval", "0.1", "--dir"]);
    let mut follower = command.arg(&directory).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut next = || {
        let line = lines.next().expect("it goes on").expect("text");
        serde_json::from_str::<Value>(&line).expect("one JSON object")
    };
    assert_eq!(next()["clients"][0]["devices"][0].get("launches_per_second"), None);
    busy.launches(1000);
    let fast = |report: Value| {
        let rate = &report["clients"][0]["devices"][0]["launches_per_second"];
        rate.as_f64().expect("known by now") > 0.0
    };
    assert!((0..2).any(|_| fast(next())), "the launches are in this interval or the next");
    drop(lines);
    assert!(follower.wait().expect("it ends").success(), "nobody reads any more");
}

#[test]
fn shares_of_the_sms_are_shown_where_there_are_any() {
    let folder = Folder::new("top-sms");
    let directory = folder.ledgers();
    {
        let _plain = client(&directory, "plain", GIB, None);
        let (_, out, _) = once(&directory, &[]);
        assert!(!out.contains("SHARE") && !out.contains("SMS"), "{out}");
    }
    let _members = sharing(&folder);
    let (status, out, err) = once(&directory, &["--rates", "--interval", "0.1"]);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.lines().all(|line| line.len() <= 80), "{out}");
    let row = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).expect("its row");
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let titles = row("CLIENT");
    assert!(titles.windows(2).any(|two| two == ["SHARE", "SMS"]), "{out}");
    for (name, cells) in [
        ("held", &["30%", "76/132"][..]),
        ("not-held", &["30%", "no", "MPS"]),
        ("reserved", &["30%", "32/132="]),
    ] {
        assert!(row(name).windows(cells.len()).any(|some| some == cells), "{name} {out}");
    }
    assert!(row("silent").windows(2).any(|two| two == ["-", "-"]), "{out}");

    let (_, out, _) = once(&directory, &["--json", "reserved"]);
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    let device = &report["clients"][0]["devices"][0];
    for (name, value) in [
        ("sms", json!(132)),
        ("share_asked", json!("30%")),
        ("sms_granted", json!(32)),
        ("share_enforced", json!(true)),
        ("share_exclusive", json!(true)),
    ] {
        assert_eq!(device[name], value, "{name}");
    }
    let (_, out, _) = once(&directory, &["--json", "silent"]);
    assert!(!out.contains("sms_granted"), "{out}");
    let (_, out, _) = once(&directory, &["--sort", "sms"]);
    let first: Vec<&str> = out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(first[1..4], ["not-held", "held", "reserved"], "{out}");
    let steps = json!([
        ["see", "SHARE     SMS"],
        ["see", "32/132="],
        ["size", 40, 160],
        ["see", "BYTE-HOURS"],
        ["see", "\u{1b}[40;1H"],
        ["send", "q"]
    ]);
    let seen = on_terminal(&directory, &[], &steps);
    assert_eq!((&seen["status"], &seen["restored"]), (&json!(0), &json!(true)));
}

/// What happened on a terminal of 24 lines.
fn on_terminal(directory: &Path, variables: &[(&str, &str)], steps: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/pty.py");
    let mut python = Command::new("python3");
    python.arg(script).args(["24", "80", &steps.to_string(), env!("CARGO_BIN_EXE_cuota")]);
    python.args(["top", "--interval", "0.1", "--dir"]).arg(directory).env("TERM", "xterm");
    let (status, out, err) = ended(python.env_remove("NO_COLOR").envs(variables.iter().copied()));
    assert_eq!(status, Some(0), "{err}");
    serde_json::from_str(&out).expect("one JSON object")
}

const RED: &str = "38;5;1;";
/// The screen for programs was left.
const LEFT: &str = "\u{1b}[?1049l";

#[test]
fn the_table_fills_the_terminal_and_leaves_it_as_it_was() {
    let folder = Folder::new("top-tty");
    let directory = folder.ledgers();
    let _full = client(&directory, "full", 4 * GIB, Some(4 * GIB));
    let steps = json!([
        ["see", "q quit"],
        ["send", "\r"],
        ["see", "4711"],
        ["see", "esc back"],
        ["send", "\u{1b}"],
        ["see", "arrows"],
        ["size", 30, 100],
        ["see", "\u{1b}[30;1H"],
        ["send", "q"]
    ]);
    let seen = on_terminal(&directory, &[], &steps);
    assert_eq!((&seen["status"], &seen["restored"]), (&json!(0), &json!(true)));
    let written = seen["written"].as_str().expect("text");
    assert!(written.contains("\u{1b}[24;1H") && written.contains("\u{1b}[1;1H"), "{written:?}");
    assert!(written.contains(RED) && written.contains("100%"), "red, and said: {written:?}");
    let (_, after) = written.rsplit_once(LEFT).expect("the other screen was left");
    assert!(!after.contains("client"), "{after:?}");
}

#[test]
fn without_colour_there_is_none() {
    let folder = Folder::new("top-plain");
    let directory = folder.ledgers();
    let _full = client(&directory, "full", 4 * GIB, Some(4 * GIB));
    let steps = json!([["see", "quit"], ["send", "q"]]);
    for (variable, attributes) in [(("NO_COLOR", "1"), true), (("TERM", "dumb"), false)] {
        let seen = on_terminal(&directory, &[variable], &steps);
        let written = seen["written"].as_str().expect("text");
        assert!(!written.contains(RED) && written.contains("[3;1H"), "{written:?}");
        assert_eq!(written.contains("\u{1b}[1m"), attributes, "{written:?}");
    }
}

#[test]
fn a_signal_ends_it_with_the_terminal_restored() {
    let folder = Folder::new("top-signal");
    let directory = folder.ledgers();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let seen = on_terminal(&directory, &[], &json!([["see", "q quit"], ["signal", signal]]));
        assert_eq!((&seen["status"], &seen["restored"]), (&json!(-signal), &json!(true)));
        assert!(seen["written"].as_str().is_some_and(|written| written.contains(LEFT)));
    }
}

#[test]
fn it_stops_and_goes_on() {
    let folder = Folder::new("top-stop");
    let directory = folder.ledgers();
    let _one = client(&directory, "one", GIB, None);
    for stop in [json!(["send", "\u{1a}"]), json!(["signal", libc::SIGTSTP])] {
        let steps = json!([
            ["see", "q quit"],
            stop,
            ["stopped"],
            ["signal", libc::SIGCONT],
            ["see", "q quit"],
            ["send", "q"]
        ]);
        let seen = on_terminal(&directory, &[], &steps);
        assert_eq!((&seen["status"], &seen["restored"]), (&json!(0), &json!(true)), "{seen}");
        assert_eq!(seen["restored_when_stopped"], json!(true));
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let folder = Folder::new("top-none");
    let (status, out, err) = ended(cuota(["top", "--dir"]).arg(folder.ledgers()));
    assert!(status == Some(125) && out.is_empty() && err.contains("--once or --json"), "{err}");
}
