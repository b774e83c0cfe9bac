//! `cuota events`: what the rings say, merged by time, and what happens while one looks.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use common::{Folder, cuota, ended};
use cuota_core::book::layout::{Layout, header};
use cuota_core::book::{self, Book, Device, Event, Kind, Member, Plan, Seat, Wish};
use cuota_core::shm::clock;
use serde_json::{Value, json};

const GIB: u64 = 1 << 30;
const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 16 * GIB };
/// Of the ring in these tests.
const EVENTS: u64 = 64;

/// A ledger and, in this process, its only member.
struct Client {
    book: Book,
    seat: Seat,
}

impl Client {
    fn new(directory: &Path, client: &str) -> Client {
        let plan = Plan {
            directory,
            make_directory: false,
            client,
            labels: "",
            layout: Layout::new(64, EVENTS),
            boot: [0, 0],
        };
        let book = book::open(&plan).expect("a ledger can be made");
        let door = book.door().expect("nobody else is there");
        let name = "train\u{1b}[31m".into();
        let who = Member { pid: 4242, name, ..Member::default() };
        let seat = book.seat(&who, clock::boot_time()).expect("there is room");
        let wish = Wish { device: CARD, limit: Some(8 * GIB) };
        let witness = book.witness(seat.id, 0);
        door.settle(seat, &[wish], &witness, clock::boot_time()).expect("there is room");
        drop(door);
        Client { book, seat }
    }

    fn record(&self, kind: Kind, payload: [u64; 3]) {
        self.record_at(clock::boot_time(), kind, payload);
    }

    fn record_at(&self, time: u64, kind: Kind, payload: [u64; 3]) {
        self.book.record(Event { time, member: self.seat.id, kind, device: Some(0), payload });
    }
}

fn events(directory: &Path, options: &[&str]) -> Command {
    let mut command = cuota(["events", "--dir"]);
    command.arg(directory).args(options);
    command
}

fn said(directory: &Path, options: &[&str]) -> String {
    let (status, out, err) = ended(&mut events(directory, options));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{options:?}: {out}");
    out
}

fn lines_of(directory: &Path, options: &[&str]) -> Vec<Value> {
    let out = said(directory, &[&["--json"], options].concat());
    out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// `cuota events -f`, ended by the test.
struct Following {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        // Of a test that failed: it may have been stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Following {
    fn start(directory: &Path, options: &[&str]) -> Following {
        let mut command = events(directory, &[&["-f", "--json"], options].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = child.stdout.take().map(BufReader::new);
        Following { child, out }
    }

    /// The next line, however long it takes.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.out.as_mut().expect("piped").read_line(&mut line).expect("text");
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("an object a line"))
    }

    /// The payload of the next of a kind.
    fn next_of(&mut self, kind: &str, field: &str) -> Value {
        loop {
            let line = self.next().expect("it goes on");
            if line["kind"] == kind {
                return line[field].clone();
            }
        }
    }

    fn told(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// Until it is told `-CONT` it looks at nothing.
    fn held(&self) {
        self.told("-STOP");
        let file = format!("/proc/{}/stat", self.child.id());
        while !fs::read_to_string(&file).expect("it lives").contains(") T ") {
            std::thread::yield_now();
        }
    }

    fn ends_well(mut self) {
        drop(self.out.take());
        assert!(self.child.wait().expect("ours").success());
    }
}

#[test]
fn rings_are_merged_by_time_and_read_by_people() {
    let folder = Folder::new("events");
    let directory = folder.ledgers();
    let (one, two) = (Client::new(&directory, "one"), Client::new(&directory, "two"));
    one.record(Kind::Refused, [2 * GIB, 8 * GIB, 15 * GIB / 2]);
    two.record(Kind::Allocated, [GIB / 2, 0x7f00_0000_0000, 0]);
    one.record(Kind::LimitChanged, [4 * GIB, 8 * GIB, 0]);
    let out = said(&directory, &[]);
    // Date and time, then words; columns apart.
    let words = |line: &str| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = out.lines().map(words).collect();
    let (who, on) = ("4242 train\u{fffd}[31m", "0 GPU-30313233 4242 train\u{fffd}[31m");
    let expected = [
        format!("one {who} joined"),
        format!("one {on} limit none -> 8 GiB"),
        format!("two {who} joined"),
        format!("two {on} limit none -> 8 GiB"),
        format!("one {on} refused 2 GiB: holds 7.50 of 8 GiB"),
        format!("two {on} allocated 512 MiB (linear) at 0x7f0000000000"),
        format!("one {on} limit 8 GiB -> 4 GiB"),
    ];
    assert_eq!(lines, expected, "{out}");
    let columns = |line: &str| line.find("4242");
    assert!(out.lines().all(|line| columns(line) == columns(out.as_str())), "{out}");

    // The same for programs, with raw numbers.
    let refused = &lines_of(&directory, &["--kind", "refused,died"])[..];
    let epoch = &refused[0]["epoch"];
    assert!(epoch.is_u64() && refused[0]["unix_ns"].as_u64() > Some(1_600_000_000_000_000_000));
    let expected = json!([{
        "client": "one", "epoch": epoch, "kind": "refused", "number": 2, "member": 1, "pid": 4242,
        "name": "train\u{fffd}[31m", "device": 0, "uuid": "GPU-30313233-3435-3637-3839-616263646566",
        "asked": 2 * GIB, "limit": 8 * GIB, "held": 15 * GIB / 2,
        "boot_ns": refused[0]["boot_ns"], "unix_ns": refused[0]["unix_ns"],
    }]);
    assert_eq!(json!(refused), expected);
    let numbers = |lines: &[Value]| lines.iter().map(|it| it["number"].clone()).collect::<Vec<_>>();
    assert_eq!(numbers(&lines_of(&directory, &["-n", "2"])), [2, 3]);
    assert_eq!(numbers(&lines_of(&directory, &["-n", "0"])), [0; 0]);
    assert_eq!(numbers(&lines_of(&directory, &["two"])), [0, 1, 2]);
}

#[test]
fn since_tells_the_old_from_the_new() {
    let folder = Folder::new("events-since");
    let directory = folder.ledgers();
    let client = Client::new(&directory, "one");
    // Machines are seconds old when they run a test, and may stop for hours in its midst.
    let (second, hour) = (1_000_000_000, 3600 * 1_000_000_000);
    client.record_at(clock::boot_time() - 2 * second, Kind::Freed, [1, 2, 0]);
    client.record_at(clock::boot_time() + 2 * hour, Kind::Freed, [3, 4, 0]);
    let bytes = |options: &[&str]| -> Vec<Value> {
        let options = [&["--kind", "freed"], options].concat();
        lines_of(&directory, &options).iter().map(|line| line["bytes"].clone()).collect()
    };
    assert_eq!(bytes(&[]), [1, 3]);
    assert_eq!(bytes(&["--since", "1s"]), [3]);
    assert_eq!(bytes(&["--since", "2000-01-01"]), [1, 3]);
    assert_eq!(bytes(&["--since", "2100-01-01 10:00"]), [0; 0]);
    let (status, _, err) = ended(&mut events(&directory, &["--since", "noon"]));
    assert!(status == Some(125) && err.contains("noon"), "{err}");
    let (status, _, err) = ended(&mut events(&directory, &["--kind", "born"]));
    assert!(status == Some(125) && err.contains("context_created"), "{err}");
}

#[test]
fn what_comes_is_followed_and_what_was_lost_is_said() {
    let folder = Folder::new("events-follow");
    let directory = folder.ledgers();
    let one = Client::new(&directory, "one");
    let mut following = Following::start(&directory, &["-n", "1"]);
    assert_eq!(following.next().expect("the newest")["kind"], "limit_changed");
    one.record(Kind::Freed, [7, 0, 0]);
    assert_eq!(following.next_of("freed", "bytes"), 7);

    // Who comes later is known by name too.
    let _late = Client::new(&directory, "one");
    assert_eq!(following.next_of("joined", "name"), "train\u{fffd}[31m");

    // A whole turn of the ring and ten more while it cannot look.
    following.held();
    (0..EVENTS + 10).for_each(|bytes| one.record(Kind::Freed, [bytes, 0, 0]));
    following.told("-CONT");
    assert_eq!(following.next_of("lost", "events"), 10);
    (10..EVENTS + 10).for_each(|bytes| assert_eq!(following.next_of("freed", "bytes"), bytes));

    // A client that came later, with all it has done.
    let two = Client::new(&directory, "two");
    two.record(Kind::Freed, [8, 0, 0]);
    assert_eq!(following.next_of("joined", "client"), "two");
    assert_eq!(following.next_of("freed", "bytes"), 8);

    // Another ledger in its place; what the first still said is not lost.
    following.held();
    two.record(Kind::Freed, [9, 0, 0]);
    fs::remove_file(directory.join(book::file_name("two"))).expect("ours");
    let three = Client::new(&directory, "two");
    following.told("-CONT");
    assert_eq!(following.next_of("freed", "bytes"), 9);
    assert_eq!(following.next_of("joined", "client"), "two");

    // Told to end, it looks once more.
    following.held();
    three.record(Kind::Freed, [11, 0, 0]);
    following.told("-TERM");
    following.told("-CONT");
    assert_eq!(following.next_of("freed", "bytes"), 11);
    assert_eq!(following.next(), None);
    following.ends_well();
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let folder = Folder::new("events-pipe");
    let directory = folder.ledgers();
    let one = Client::new(&directory, "one");
    let mut following = Following::start(&directory, &["one"]);
    one.record(Kind::Freed, [7, 0, 0]);
    assert_eq!(following.next_of("freed", "bytes"), 7);
    // Nothing happens any more: it must notice by itself.
    following.ends_well();
}

#[test]
fn a_client_that_is_not_there_yet_is_waited_for() {
    let folder = Folder::new("events-later");
    let directory = folder.ledgers();
    let (status, _, err) = ended(&mut events(&directory, &["one"]));
    assert!(status == Some(1) && err.contains("no client \"one\""), "{err}");
    let mut following = Following::start(&directory, &["one"]);
    let (_two, _one) = (Client::new(&directory, "two"), Client::new(&directory, "one"));
    assert_eq!(following.next_of("joined", "client"), "one");
    following.told("-INT");
    following.ends_well();
}

#[test]
fn a_ledger_that_lies_is_believed_nothing() {
    let folder = Folder::new("events-lies");
    let directory = folder.ledgers();
    let (one, liar) = (Client::new(&directory, "one"), Client::new(&directory, "liar"));
    one.record(Kind::Freed, [7, 0, 0]);
    let file = fs::OpenOptions::new().write(true).open(liar.book.path()).expect("ours");
    let (at, ring) = (header::WRITTEN as u64 * 8, liar.book.layout().ring_at());
    for (written, record) in [(u64::MAX, 0), (u64::MAX, 0xff), (1 << 63, 0x55), (3, 0xff)] {
        file.write_all_at(&written.to_le_bytes(), at).expect("ours");
        file.write_all_at(&[record; EVENTS as usize * 64], ring).expect("ours");
        let lines = lines_of(&directory, &[]);
        let of = |name| lines.iter().filter(move |line| line["client"] == name);
        assert_eq!(of("one").count(), 3);
        let lost: Vec<&Value> = of("liar").map(|line| &line["events"]).collect();
        assert_eq!(lost, [&json!(EVENTS.min(written))], "{written}");
    }
    // A time that never was, of a member and a device that are not there.
    file.write_all_at(&0_u64.to_le_bytes(), at).expect("ours");
    let (kind, device, payload) = (Kind::Refused, Some(31), [u64::MAX; 3]);
    liar.book.record(Event { time: u64::MAX, member: u64::MAX, kind, device, payload });
    let out = said(&directory, &["liar"]);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "liar 31 member 18446744073709551615 refused 16 EiB: holds 16 of 16 EiB";
    assert!(words.ends_with(expected), "{words}");
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing() {
    let folder = Folder::new("events-bad");
    let directory = folder.ledgers();
    let _one = Client::new(&directory, "one");
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    fs::copy(directory.join("one.v1.cuota"), directory.join("copy.v1.cuota")).expect("ours");
    let (status, out, err) = ended(&mut events(&directory, &[]));
    assert!(status == Some(1) && out.contains("joined") && !out.contains("copy"), "{out}");
    assert!(err.contains("garbage.v1.cuota") && err.contains("copy.v1.cuota"), "{err}");
    let (status, _, err) = ended(&mut events(&folder.path("missing"), &["-f"]));
    assert!(status == Some(125) && err.contains("missing"), "{err}");
}
