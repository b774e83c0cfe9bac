//! `cuota advise`: which quota a client needs, by what its ledger recorded.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Folder, cuota, ended};
use cuota_core::book::layout::{Layout, device};
use cuota_core::book::{self, Book, Count, Device, Event, Kind, Member, Plan, Seat, Wish};
use cuota_core::ledger::{Change, Exact, join};
use cuota_core::shm::clock;
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;
const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 16 * GIB };

/// A ledger and, in this process, its only member, which holds so much.
fn client(directory: &Path, client: &str, limit: Option<u64>, held: u64) -> (Book, Seat) {
    let plan = Plan {
        directory,
        make_directory: false,
        client,
        labels: "",
        layout: Layout::new(64, 64),
        boot: [0, 0],
    };
    let book = book::open(&plan).expect("a ledger can be made");
    let now = clock::boot_time();
    let door = book.door().expect("nobody else is there");
    let who = Member { pid: 4242, name: "train".into(), ..Member::default() };
    let seat = book.seat(&who, now).expect("there is room");
    let witness = book.witness(seat.id, 0);
    let wish = Wish { device: CARD, limit };
    door.settle(seat, &[wish], &witness, now).expect("there is room");
    drop(door);
    if held > 0 {
        let account = book.part(0).expect("claimed").account();
        let mut lane = join::<Exact, _, _>(&account, seat.index, seat.id, now, &witness)
            .expect("nobody else has it");
        lane.change(&account, Change::Reserve(held), now, &witness);
    }
    (book, seat)
}

fn advise(directory: &Path, options: &[&str]) -> Command {
    let mut command = cuota(["advise", "--dir"]);
    command.arg(directory).args(options);
    command
}

fn said(directory: &Path, options: &[&str]) -> String {
    let (status, out, err) = ended(&mut advise(directory, options));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{options:?}: {out}");
    out
}

fn json_of(directory: &Path, options: &[&str]) -> Value {
    let out = said(directory, &[&["--json"], options].concat());
    serde_json::from_str(&out).expect("one JSON object")
}

#[test]
fn sizes_are_suggested_and_added_up() {
    let folder = Folder::new("advise");
    let directory = folder.ledgers();
    let (_wide, _) = client(&directory, "wide", Some(8 * GIB), 3 * GIB);
    let (tight, _) = client(&directory, "tight", Some(2 * GIB), 2 * GIB);
    let part = tight.part(0).expect("claimed");
    part.set(device::REFUSED, 2);
    part.set(device::REFUSED_BYTES, 2 * GIB);
    let (_new, _) = client(&directory, "new", None, 0);

    let report = json_of(&directory, &[]);
    let names: Vec<&Value> =
        report["clients"].as_array().expect("a list").iter().map(|it| &it["client"]).collect();
    assert_eq!(names, ["new", "tight", "wide"]);
    let device = |client: usize| &report["clients"][client]["devices"][0];
    let wide = device(2);
    let average = wide["average"].as_u64().expect("it held something");
    assert!((1..=3 * GIB).contains(&average), "{average}");
    let expected = json!({
        "uuid": "GPU-30313233-3435-3637-3839-616263646566", "total": 16 * GIB, "limit": 8 * GIB,
        "used": 3 * GIB, "untracked": 0, "peak": 3 * GIB, "average": average, "refused": 0,
        "refused_bytes": 0, "suggested": 7 * GIB / 2, "why": wide["why"], "samples": null,
        "fit": { "peak": 5, "limit": 2, "suggested": 4 },
    });
    assert_eq!(*wide, expected);
    assert_eq!(device(1)["suggested"], 9 * GIB / 4, "more than the quota, which is what it held");
    assert_eq!(device(0)["suggested"], Value::Null);
    let cards = json!([{
        "uuid": "GPU-30313233-3435-3637-3839-616263646566", "total": 16 * GIB, "clients": 3,
        "peak": 5 * GIB, "limit": 10 * GIB, "without_limit": 1, "suggested": 23 * GIB / 4,
    }]);
    assert_eq!(report["cards"], cards);

    let out = said(&directory, &[]);
    for words in [
        "3.50 GiB would do, 4.50 GiB less: the peak was 3 GiB",
        "of this size fit on its 16 GiB: 5 by peak, 2 by quota, 4 by the suggestion",
        "2 requests refused, of 1 GiB on average",
        "3 clients, peaks 5 GiB, quotas 10 GiB (1 client without), suggested 5.75 GiB",
        "percentiles: watch for some with --watch",
    ] {
        let flat = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{words}\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

fn created(directory: &Path, client: &str) -> u64 {
    book::read(&directory.join(book::file_name(client)), 0).expect("a ledger").created_wall
}

#[test]
fn who_is_idle_and_since_when() {
    let folder = Folder::new("advise-idle");
    let directory = folder.ledgers();
    let busy = client(&directory, "busy", None, GIB);
    assert!(busy.0.open_counts(0, busy.1));
    let block = busy.0.part(0).and_then(|part| part.block(busy.1.index, 2)).expect("opened");
    block.add(Count::Kernels, 1);
    let _unused = client(&directory, "unused", None, 0);
    let (gone, seat) = client(&directory, "gone", None, GIB);
    let time = clock::boot_time() + 3600 * 1_000_000_000;
    gone.record(Event { time, member: 1, kind: Kind::Left, device: None, payload: [1, 0, 0] });
    gone.leave(seat);

    let idle = |report: &Value, at: usize| report["clients"][at]["idle"].clone();
    let report = json_of(&directory, &[]);
    assert_eq!(idle(&report, 0), Value::Null, "busy");
    assert_eq!(idle(&report, 1)["why"], "no_member");
    let made = book::read(gone.path(), 0).expect("a ledger");
    let since = made.created_wall - made.created_boot + time;
    assert_eq!(idle(&report, 1)["since_unix_ns"], since, "its last event");
    assert_eq!(idle(&report, 2)["since_unix_ns"], created(&directory, "unused"));
    assert_eq!(idle(&report, 2)["why"], "unused");
    // It did nothing while we looked.
    let report = json_of(&directory, &["busy", "--watch", "0"]);
    assert_eq!(idle(&report, 0)["why"], "unused_while_watched");
    assert!(said(&directory, &["gone"]).contains("no member runs; last heard of at 20"));
}

#[test]
fn percentiles_are_of_what_was_seen_while_watching() {
    let folder = Folder::new("advise-watch");
    let directory = folder.ledgers();
    let _one = client(&directory, "one", None, GIB);
    let options = ["--watch", "40ms", "--every", "10ms"];
    let report = json_of(&directory, &options);
    let samples = json!({ "count": 5, "p50": GIB, "p95": GIB, "p99": GIB, "max": GIB });
    assert_eq!(report["clients"][0]["devices"][0]["samples"], samples);
    let out = said(&directory, &options);
    assert!(out.contains("held in 5 samples: p50 1 GiB, p95 1 GiB"), "{out}");
    assert!(!out.contains("--watch"), "{out}");
    let (status, _, err) = ended(&mut advise(&directory, &["--watch", "1h", "--every", "1ms"]));
    assert!(status == Some(125) && err.contains("--every"), "{err}");
    let (status, _, _) = ended(&mut advise(&directory, &["--every", "1s"]));
    assert_eq!(status, Some(125), "of what?");
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing() {
    let folder = Folder::new("advise-bad");
    let directory = folder.ledgers();
    assert!(said(&directory, &[]).starts_with("no client in"));
    let _one = client(&directory, "one", None, GIB);
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    let (status, out, err) = ended(&mut advise(&directory, &[]));
    assert!(status == Some(1) && out.contains("\none ") && err.contains("garbage"), "{out}{err}");
    let (status, _, err) = ended(&mut advise(&directory, &["two"]));
    assert!(status == Some(1) && err.contains("no client \"two\""), "{err}");
}
