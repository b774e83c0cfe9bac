//! `cuota bill`: sums to the last byte and nanosecond, over members, ledgers and earlier bills.

mod common;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use common::books::{Booked, OTHER, booked};
use common::{Folder, cuota, ended};
use cuota_core::book::layout::{Layout, device};
use cuota_core::book::{Count, Direction, Memory, file_name};
use cuota_core::kind::Kind;
use cuota_core::ledger::Change;
use cuota_core::shm::clock;
use serde_json::{Value, json};

const FIRST: &str = "GPU-abababab-abab-abab-abab-abababababab";
const SECOND: &str = "GPU-cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd";

fn bill(directory: &Path, arguments: &[&str], status: i32) -> String {
    let (ended, out, err) = ended(cuota(["bill", "--dir"]).arg(directory).args(arguments));
    assert_eq!(ended, Some(status), "{err}");
    out
}

fn json_of(directory: &Path, arguments: &[&str], status: i32) -> Value {
    let out = bill(directory, &[&["--json"], arguments].concat(), status);
    serde_json::from_str(&out).expect("one JSON object")
}

/// What `work` adds up to, so many times.
fn worked(times: u128) -> Value {
    let n = times as u64;
    json!({
        "held_byte_ns": (times * 10 * 3000).to_string(), "uncertain_byte_ns": "0",
        "idle_byte_ns": (times * 4 * 3000).to_string(),
        "launches": 6 * n, "kernels": n, "cooperative": 2 * n, "graph_kernels": 3 * n, "graphs": 4 * n,
        "copies": 2 * n, "copied_bytes": 12 * n, "allocations": 2 * n, "allocated_bytes": 24 * n,
        "refusals": 0, "refused_bytes": 0,
    })
}

/// Does what `worked` says.
fn work(member: &Booked, device: usize) {
    let now = clock::boot_time();
    let (taken, given) = (Change::Reserve(10), Change::Refund(10));
    member.holds(device, &[(taken, 4, now - 5000), (given, -4, now - 2000)]);
    let counts = member.counts(device);
    counts.add(Count::Kernels, 1);
    counts.add(Count::Cooperative, 2);
    counts.add(Count::GraphKernels, 3);
    counts.add(Count::Graphs, 4);
    counts.copied(Direction::HostToDevice, 5);
    counts.copied(Direction::Peer, 7);
    counts.memory(Kind::Linear, Memory::Taken, (1, 11));
    counts.memory(Kind::Vmm, Memory::Taken, (1, 13));
    // Neither of these did a program ask for.
    counts.memory(Kind::Own, Memory::Taken, (1, 17));
    counts.memory(Kind::Import, Memory::Taken, (1, 19));
}

/// Is refused on the other card.
fn be_refused(member: &Booked) {
    let index = member.book.find_device(OTHER.uuid).expect("claimed");
    member.part(index).set(device::REFUSED, 1);
    member.part(index).set(device::REFUSED_BYTES, 99);
}

#[test]
fn it_adds_up_across_members_devices_and_clients() {
    let folder = Folder::new("bill");
    let directory = folder.ledgers();
    let (one, two) = (booked(&directory, "pod-1"), booked(&directory, "pod-1"));
    work(&one, 0);
    work(&two, 0);
    two.killed();
    // In its place, and counted besides.
    one.book.sweep(&one.book.witness(one.seat.id, 0), clock::boot_time());
    let three = booked(&directory, "pod-1");
    assert_eq!(three.seat.index, two.seat.index);
    work(&three, 0);
    be_refused(&three);
    work(&booked(&directory, "pod-2"), 0);

    let report = json_of(&directory, &[], 0);
    let client = &report["clients"][0];
    assert_eq!((&client["client"], &client["state"]), (&json!("pod-1"), &json!("open")));
    assert_eq!(client["labels"], json!({ "pod": "a" }));
    assert_eq!(client["members"], json!({ "joined": 3, "left": 0, "died": 1 }));
    assert_eq!(client["devices"][0]["uuid"], FIRST);
    assert_eq!(client["devices"][0]["bill"], worked(3));
    assert_eq!(client["devices"][0]["counters"], worked(3));
    assert_eq!(client["devices"][0]["peak_bytes"], 10);
    assert_eq!(client["devices"][1]["bill"]["refusals"], 1);
    assert_eq!(client["devices"][1]["bill"]["refused_bytes"], 99);
    assert_eq!(report["total"]["devices"][0], json!({ "uuid": FIRST, "bill": worked(4) }));
    assert_eq!(report["total"]["devices"][1]["uuid"], SECOND);
    assert_eq!(report["total"]["bill"]["refused_bytes"], 99);
    assert_eq!(report["total"]["bill"]["held_byte_ns"], worked(4)["held_byte_ns"]);

    // The same as a table for programs.
    let csv = bill(&directory, &["pod-1", "--csv"], 0);
    let mut rows = csv.split("\r\n").map(|row| row.split(',').collect::<Vec<_>>());
    let names = rows.next().expect("a header");
    let row = rows.next().expect("a row");
    let field = |name: &str| row[names.iter().position(|known| *known == name).expect(name)];
    assert_eq!((field("client"), field("uuid"), field("since")), ("pod-1", FIRST, "beginning"));
    assert_eq!(
        ["held_byte_ns", "idle_byte_ns", "launches", "copied_bytes"].map(field),
        ["90000", "36000", "18", "36"]
    );
    assert_eq!((field("members_joined"), field("members_died")), ("3", "1"));
    assert_eq!(csv.lines().count(), 3, "{csv}");

    // And for people.
    let table = bill(&directory, &[], 0);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("pod-1 GPU-abababab <0.001 0 10 B 18 0"), "{table}");
    assert!(
        words.contains(
            "<0.001 GiB·h of it idle in pools, 6 allocations (72 B), 6 copies (36 B), 12 graphs"
        ),
        "{table}"
    );
    assert!(words.contains("3 joined, 1 killed") && words.contains("99 B refused"), "{table}");
    assert!(words.contains("total GPU-abababab <0.001 0 - 24 0"), "{table}");
    assert!(words.contains("total all devices <0.001 0 - 24 1"), "{table}");
}

#[test]
fn the_living_are_billed_until_now_and_the_killed_in_doubt() {
    let folder = Folder::new("bill-now");
    let directory = folder.ledgers();
    let one = booked(&directory, "pod-1");
    let since = clock::boot_time() - 1_000_000;
    one.holds(0, &[(Change::Reserve(1 << 30), 1 << 29, since)]);
    let sums = |report: Value| {
        ["held_byte_ns", "idle_byte_ns", "uncertain_byte_ns"].map(|name| {
            let text = report["clients"][0]["devices"][0]["bill"][name].as_str().expect("text");
            text.parse::<u128>().expect("a number")
        })
    };
    let snapshot = folder.path("snapshot").display().to_string();
    let first = json_of(&directory, &[], 0);
    fs::write(&snapshot, first.to_string()).expect("ours");
    let [held, idle, uncertain] = sums(first);
    assert_eq!(idle * 2, held);
    assert!(held >= 1_000_000 << 30 && uncertain == 0, "{held} {uncertain}");
    assert_eq!(held % (1 << 30), 0, "whole nanoseconds");
    one.killed();
    // It was there when the snapshot was taken; what came after is in doubt, and nothing billed twice.
    let [later_held, later_idle, later] = sums(json_of(&directory, &["--against", &snapshot], 0));
    let [.., all] = sums(json_of(&directory, &[], 0));
    assert_eq!((later_held, later_idle), (0, 0));
    assert!(later > 0 && held + later <= all, "{held} {later} {all}");
}

#[test]
fn against_an_earlier_one_only_what_came_since() {
    let folder = Folder::new("bill-against");
    let directory = folder.ledgers();
    let snapshot = folder.path("snapshot").display().to_string();
    let stays = booked(&directory, "stays");
    let (anew, gone) = (booked(&directory, "anew"), booked(&directory, "gone"));
    for client in [&stays, &anew, &gone] {
        work(client, 0);
    }
    let closed = booked(&directory, "closed");
    work(&closed, 0);
    fs::write(&snapshot, bill(&directory, &["--json"], 0)).expect("ours");

    // Restarted, renewed, closed with more on it, removed by hand, and new.
    stays.killed();
    work(&booked(&directory, "stays"), 0);
    for client in [&anew, &gone] {
        client.killed();
        fs::remove_file(client.book.path()).expect("ours");
    }
    work(&booked(&directory, "anew"), 0);
    closed.killed();
    let more = booked(&directory, "closed");
    work(&more, 0);
    more.killed();
    let (status, _, err) = ended(cuota(["gc", "--older", "0s", "--dir"]).arg(&directory));
    assert_eq!(status, Some(0), "{err}");
    let _new = booked(&directory, "new");
    let report = json_of(&directory, &["--against", &snapshot], 1);
    let clients = report["clients"].as_array().expect("clients");
    let found: Vec<Value> = clients
        .iter()
        .map(|client| {
            let bill = &client["devices"][0]["bill"];
            json!([client["client"], client["state"], client["bill"]["since"], bill["launches"]])
        })
        .collect();
    let expected = json!([
        ["anew", "open", "new ledger", 6],
        ["closed", "closed", "snapshot", 6],
        ["new", "open", "beginning", 0],
        ["stays", "open", "snapshot", 6],
        ["anew", "gone", null, null],
        ["gone", "gone", null, null],
    ]);
    assert_eq!(Value::from(found), expected);
    assert_eq!(clients[3]["devices"][0]["bill"], worked(1));
    assert_eq!(clients[3]["devices"][0]["counters"], worked(2));
    assert_eq!(clients[3]["bill"]["members"], json!({ "joined": 1, "left": 0, "died": 1 }));
    assert!(clients[3]["bill"]["from_unix_ns"].as_u64() > clients[3]["began_unix_ns"].as_u64());
    let table = bill(&directory, &["--against", &snapshot], 1);
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("gone gone its ledger is not there any more"), "{table}");
    assert!(words.contains("another ledger than in the snapshot"), "{table}");

    // That one is a snapshot, too, and what was closed before it is not billed again.
    fs::write(&snapshot, report.to_string()).expect("ours");
    let report = json_of(&directory, &["--against", &snapshot], 0);
    assert_eq!(report["total"]["bill"]["launches"], 0);
    assert_eq!(report["clients"].as_array().map(Vec::len), Some(4));
    assert!(!bill(&directory, &["--against", &snapshot], 0).contains("closed"));
    assert!(bill(&directory, &[], 0).contains("closed"), "but is listed without a snapshot");
}

#[test]
fn a_ledger_that_lies_is_billed_as_it_says_and_a_bill_that_is_none_is_named() {
    let folder = Folder::new("bill-hostile");
    let directory = folder.ledgers();
    let liar = booked(&directory, "liar");
    let layout = Layout::new(64, 64);
    let file = fs::OpenOptions::new().write(true).open(liar.book.path()).expect("ours");
    let words = vec![0xff; layout.device_words() * 8];
    file.write_all_at(&words, layout.device_at(0)).expect("ours");
    let honest = booked(&directory, "honest");
    work(&honest, 0);
    let snapshot = folder.path("snapshot").display().to_string();
    fs::write(&snapshot, bill(&directory, &["--json"], 0)).expect("ours");
    for arguments in [&[][..], &["--csv"], &["--json"], &["--against", &snapshot]] {
        let out = bill(&directory, arguments, 0);
        assert!(out.contains("liar") && out.contains("honest"), "{out}");
    }
    let bills = directory.join("bills");
    fs::create_dir(&bills).expect("ours");
    fs::write(bills.join("a.0.json"), "[".repeat(1 << 16)).expect("ours");
    fs::write(bills.join("b\u{1b}[31m.0.json"), "{}").expect("ours");
    fs::create_dir(bills.join("c.0.json")).expect("ours");
    std::os::unix::fs::symlink("/dev/zero", bills.join("d.0.json")).expect("ours");
    let long = fs::File::create(bills.join("e.0.json")).expect("ours");
    long.set_len(1 << 40).expect("a hole");
    fs::write(bills.join(".f.0.json"), "half").expect("ours");
    let (status, out, err) = ended(cuota(["bill", "--dir"]).arg(&directory));
    assert!(status == Some(1) && out.contains("honest"), "{err}");
    assert!(!err.contains('\u{1b}') && err.matches("closing bill").count() == 5, "{err}");
    let (status, _, err) = ended(cuota(["bill", "nobody", "--dir"]).arg(&directory));
    assert!(status == Some(1) && err.contains("there is no client"), "{err}");
    for text in ["", "{}", "{\"clients\": [{}]}"] {
        fs::write(&snapshot, text).expect("ours");
        let arguments = ["bill", "--against", &snapshot, "--dir"];
        let (status, _, err) = ended(cuota(arguments).arg(&directory));
        assert!(status == Some(125) && err.contains("is no output of"), "{err}");
    }
    assert!(liar.book.path().ends_with(file_name("liar")));
}
