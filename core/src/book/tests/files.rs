#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::sync::atomic::Ordering::Relaxed;

use super::super::layout::{self, Layout, device, header};
use super::super::*;
use super::{Folder, Process};
use crate::ledger::{Answer, Change, Living};

#[test]
fn whose_file() {
    let client = |name: &str| client_of(std::path::Path::new(name)).map(str::to_owned);
    assert_eq!(client("/d/pod-1.v1.cuota").as_deref(), Some("pod-1"));
    assert_eq!(client("/d/a.b.v1.cuota").as_deref(), Some("a.b"));
    for none in ["/d/.v1.cuota", "/d/a\u{1b}[31m.v1.cuota", "/d/a.v2.cuota", "/d/a", "/"] {
        assert_eq!(client(none), None, "{none:?}");
    }
}

#[test]
fn after_a_restart_of_the_machine_it_begins_anew() {
    let folder = Folder::new("boot");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let mut lane = one.lane();
    assert_eq!(one.change(&mut lane, Change::Reserve(60)), Answer::Done);
    let before = read(&folder.file(), 0).expect("readable").epoch;
    let later = Plan { boot: [3, 4], ..folder.plan() };
    let unknown = Plan { boot: [0; 2], ..folder.plan() };
    let epoch = |plan: &Plan| {
        let opened = open(plan).expect("it opens");
        drop(opened);
        read(&folder.file(), 0).expect("readable").epoch
    };
    // Who lives has not outlived the machine: only our view of it is another.
    assert_eq!([epoch(&later), epoch(&unknown)], [before; 2]);
    one.book.leave(one.seat);
    assert_eq!(epoch(&unknown), before, "nobody can tell, and it is of a time before this");
    let (_two, _) = Process::start(&later, Some(80));
    let report = read(&folder.file(), 0).expect("readable");
    assert_eq!((report.devices[0].used, report.members.len()), (0, 1));
    assert_ne!(report.epoch, before);
}

#[test]
fn what_was_made_later_than_now_is_of_another_start_where_nobody_can_tell() {
    let folder = Folder::new("unknown");
    let unknown = Plan { boot: [0; 2], ..folder.plan() };
    let made = open(&unknown).expect("made");
    let epoch = |plan: &Plan| open(plan).expect("it opens").head.value(layout::header::EPOCH);
    assert_eq!(epoch(&folder.plan()), epoch(&unknown));
    made.head.set(layout::header::CREATED_BOOT, u64::MAX);
    let before = epoch(&Plan { boot: made.boot(), ..unknown });
    assert_eq!(before, made.head.value(layout::header::EPOCH), "the same, whatever it says");
    assert_ne!(epoch(&folder.plan()), before);
}

#[test]
fn what_is_not_ours_is_named_and_left() {
    let folder = Folder::new("foreign");
    let said = |text: &str| {
        let why = open(&folder.plan()).err().expect("it is refused").to_string();
        assert!(why.contains(text) && why.contains("pod-1"), "{why}");
        let _ = fs::remove_file(folder.file());
        let _ = fs::remove_dir(folder.file());
    };
    symlink("/etc/passwd", folder.file()).expect("a link");
    said("symbolic link");
    let other = Plan { client: "pod-2", ..folder.plan() };
    drop(open(&other).expect("made"));
    fs::rename(folder.0.join(file_name("pod-2")), folder.file()).expect("ours");
    said("another client's");
    fs::create_dir(folder.file()).expect("a directory");
    said("cannot be opened");
    fs::write(folder.file(), b"").expect("a file");
    said("cut short");
    fs::write(folder.file(), vec![7; 8192]).expect("a file");
    said("does not begin like one");
    for (word, value, text) in [
        (header::VERSION, 99, "another version"),
        (header::MEMBERS, 1 << 40, "contradicts"),
        (header::EVENTS, 1 << 10, "contradicts"),
        (header::DEVICES_AT, u64::MAX, "contradicts"),
        (header::DEVICE_BYTES, 0, "contradicts"),
    ] {
        drop(open(&folder.plan()).expect("the ledger opens"));
        let file = fs::OpenOptions::new().write(true).open(folder.file()).expect("ours");
        file.write_all_at(&u64::to_le_bytes(value), word as u64 * 8).expect("writable");
        said(text);
    }
    drop(open(&folder.plan()).expect("the ledger opens"));
    fs::OpenOptions::new()
        .write(true)
        .open(folder.file())
        .expect("ours")
        .set_len(5000)
        .expect("cut");
    said("cut short");
    drop(open(&folder.plan()).expect("the ledger opens"));
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).expect("ours");
    said("everybody");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).expect("ours");
    let why = open(&folder.plan()).err().expect("it is refused").to_string();
    assert!(why.contains("others could replace"), "{why}");
}

#[test]
fn a_part_cut_off_under_a_member_is_an_error_to_a_reader() {
    let folder = Folder::new("cut");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let size = one.book.layout().device_at(0) + 64;
    fs::OpenOptions::new()
        .write(true)
        .open(folder.file())
        .expect("ours")
        .set_len(size)
        .expect("cut");
    let why = read(&folder.file(), 0).expect_err("the part is not there").to_string();
    assert!(why.contains("cut short"), "{why}");
    let late = open(&folder.plan()).expect("the header is whole");
    assert!(late.part(0).is_none(), "not mapped: touching it would be the end");
}

#[test]
fn a_closed_descriptor_is_opened_again_and_never_taken_for_another_file() {
    let folder = Folder::new("closed");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let (two, _) = Process::start(&folder.plan(), Some(100));
    two.book.file.close();
    let _other: Vec<fs::File> =
        (0..32).map(|_| fs::File::open("/dev/null").expect("it is there")).collect();
    let witness = two.book.witness(two.seat.id, 0);
    assert!(witness.is_alive(one.seat.id));
    assert!(!witness.unsure.get());
    // The mapping keeps the lock, where the file system maps the very file.
    assert!(one.book.witness(one.seat.id, 0).is_alive(two.seat.id));
    two.book.file.close();
    fs::remove_file(folder.file()).expect("ours");
    let witness = two.book.witness(two.seat.id, 0);
    assert!(witness.is_alive(12345), "who cannot be asked about is taken to live");
    assert!(witness.unsure.get());
}

#[test]
fn an_idle_client_costs_little() {
    use std::os::unix::fs::MetadataExt;
    let folder = Folder::new("little");
    let plan = Plan { layout: Layout::new(64, 8192), ..folder.plan() };
    let (one, _) = Process::start(&plan, Some(100));
    let taken = fs::metadata(folder.file()).expect("it is there").blocks() * 512;
    assert!(taken <= 80 << 10, "{taken} bytes");
    for number in 0..9000 {
        one.book.record(Event {
            time: number,
            member: 1,
            kind: Kind::Joined,
            device: None,
            payload: [0; 3],
        });
    }
    let report = read(&folder.file(), 10_000).expect("readable");
    assert_eq!(report.events.len(), 8192);
}

#[test]
fn events_are_whole_or_not_there() {
    let folder = Folder::new("events");
    let book = open(&folder.plan()).expect("the ledger opens");
    let event = |n: u64| Event {
        time: n,
        member: 1,
        kind: Kind::Refused,
        device: Some(0),
        payload: [n, n + 1, n + 2],
    };
    for number in 0..100 {
        book.record(event(number));
    }
    let report = read(&folder.file(), 1000).expect("readable");
    assert_eq!(report.events, (36..100).map(event).collect::<Vec<_>>());
    let [.., before, last] = &book.ring[..100 % 64] else { panic!("64 of them") };
    last[layout::event::PAYLOAD].store(1, Relaxed);
    before[layout::event::STATE].store(98 * 2 + 1, Relaxed);
    let report = read(&folder.file(), 4).expect("readable");
    assert_eq!(report.events, [event(96), event(97)]);
    assert_eq!(device::LANES % 2, 0);
}
