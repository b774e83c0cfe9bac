#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::layout::{Layout, device, header};
use super::*;
use crate::ledger::{Answer, Change, Exact, Living, Owned, Word, join};

pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cuota-book-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory can be made");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is ours");
        Folder(path)
    }

    pub(super) fn plan(&self) -> Plan<'_> {
        Plan {
            directory: &self.0,
            make_directory: false,
            client: "pod-1",
            labels: "pod=a",
            layout: Layout::new(64, 64),
            boot: [1, 2],
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.join(file_name("pod-1"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };

/// A member as a process would be one: with an open file of its own.
pub(super) struct Process {
    pub(super) book: Book,
    pub(super) seat: Seat,
}

impl Process {
    pub(super) fn start(plan: &Plan, limit: Option<u64>) -> (Process, Standing) {
        let book = open(plan).expect("the ledger opens");
        let door = book.door().expect("nobody else is there");
        let who =
            Member { pid: std::process::id().into(), name: "test".into(), ..Member::default() };
        let seat = book.seat(&who, 5).expect("there is room");
        let wish = Wish { device: CARD, limit };
        let standings = door.settle(seat, &[wish], &book.witness(seat.id, 0), 5);
        let standing = standings.expect("there is room")[0];
        drop(door);
        (Process { book, seat }, standing)
    }

    pub(super) fn lane(&self) -> Owned<Exact> {
        let part = self.book.part(0).expect("claimed");
        let witness = self.book.witness(self.seat.id, 0);
        join(&part.account(), self.seat.index, self.seat.id, 5, &witness).expect("a free lane")
    }

    pub(super) fn change(&self, lane: &mut Owned<Exact>, change: Change) -> Answer {
        self.change_at(lane, change, 6)
    }

    fn change_at(&self, lane: &mut Owned<Exact>, change: Change, now: u64) -> Answer {
        let part = self.book.part(0).expect("claimed");
        lane.change(&part.account(), change, now, &self.book.witness(self.seat.id, 0))
    }
}

#[test]
fn members_share_a_limit_and_the_dead_give_back() {
    let folder = Folder::new("share");
    let (one, standing) = Process::start(&folder.plan(), Some(100));
    assert_eq!(standing, Standing { index: 0, limit: Some(100), instead_of: None });
    let (two, _) = Process::start(&folder.plan(), Some(100));
    assert_eq!((one.seat.index, two.seat.index), (0, 1));
    let (mut first, mut second) = (one.lane(), two.lane());
    assert_eq!(one.change(&mut first, Change::Reserve(60)), Answer::Done);
    assert_eq!(
        two.change(&mut second, Change::Reserve(41)),
        Answer::Refused { used: 60, limit: 100 }
    );
    let report = read(&folder.file(), 10).expect("readable");
    assert_eq!((report.client.as_str(), report.labels.as_str()), ("pod-1", "pod=a"));
    assert_eq!((report.devices[0].used, report.devices[0].limit), (60, Some(100)));
    assert_eq!(report.members[0].shares, [Share { device: 0, used: 60, untracked: 0 }]);
    one.book.leave(one.seat);
    assert_eq!(read(&folder.file(), 10).expect("readable").devices[0].used, 0, "seen dead");
    assert_eq!(two.change(&mut second, Change::Reserve(100)), Answer::Done);
    let report = read(&folder.file(), 10).expect("readable");
    assert_eq!((report.devices[0].used, report.devices[0].peak), (100, 100));
    assert_eq!(one.change(&mut first, Change::Refund(60)), Answer::Lost);
}

#[test]
fn bytes_times_time_are_exact_and_never_go_back() {
    let folder = Folder::new("integral");
    let sums = || {
        let report = read(&folder.file(), 0).expect("readable");
        (report.devices[0].held_byte_ns, report.devices[0].uncertain_byte_ns)
    };
    let (one, _) = Process::start(&folder.plan(), None);
    let (two, _) = Process::start(&folder.plan(), None);
    let (mut first, mut second) = (one.lane(), two.lane());
    one.change_at(&mut first, Change::Reserve(10), 100);
    one.change_at(&mut first, Change::Reserve(5), 200);
    two.change_at(&mut second, Change::Force(7), 300);
    one.change_at(&mut first, Change::Refund(15), 400);
    assert_eq!(sums(), (10 * 100 + 15 * 200, 0));
    two.change_at(&mut second, Change::Untracked(3), 500);
    assert_eq!(sums(), (4000 + 7 * 200, 0));
    // The second dies with ten bytes, last seen at 600; it is found at 1000, and its lane taken anew.
    two.book.part(0).expect("claimed").account().lane(1).expect("its lane").heartbeat().raise(600);
    assert_eq!(sums(), (5400 + 10 * 100, 0));
    two.book.leave(two.seat);
    assert_eq!(sums(), (6400, 0));
    one.book.sweep(&one.book.witness(one.seat.id, 0), 1000);
    assert_eq!(sums(), (6400, 10 * 400));
    let (three, _) = Process::start(&folder.plan(), None);
    assert_eq!(three.seat.index, 1);
    let mut third = three.lane();
    assert_eq!(sums(), (6400, 4000));
    three.change_at(&mut third, Change::Reserve(2), 1500);
    three.change_at(&mut third, Change::Refund(1), 1600);
    assert_eq!(sums(), (6400 + 2 * 100, 4000));
}

#[test]
fn whose_limit() {
    let folder = Folder::new("limits");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let (two, standing) = Process::start(&folder.plan(), Some(50));
    assert_eq!((standing.limit, standing.instead_of), (Some(100), Some(Some(100))));
    let (_three, standing) = Process::start(&folder.plan(), None);
    assert_eq!((standing.limit, standing.instead_of), (Some(100), None));
    two.book.door().expect("free").set(0, Some(70), 9);
    let (_four, standing) = Process::start(&folder.plan(), Some(100));
    assert_eq!((standing.limit, standing.instead_of), (Some(70), None), "set wins, quietly");
    let mut lane = one.lane();
    assert_eq!(one.change(&mut lane, Change::Reserve(71)), Answer::Refused { used: 0, limit: 70 });
    for process in [&one, &two, &_three, &_four] {
        process.book.leave(process.seat);
    }
    let (_, standing) = Process::start(&folder.plan(), None);
    assert_eq!(standing.limit, None, "nobody was there: decided anew");
}

#[test]
fn whoever_is_no_member_changes_a_limit_but_makes_no_ledger() {
    let folder = Folder::new("outside");
    let layout = Layout::new(64, 64);
    let why = open_existing(&folder.file()).err().expect("nobody made it").to_string();
    assert!(why.contains("pod-1") && why.contains("cannot be opened"), "{why}");
    rehearse(&folder.0, false, "pod-1", layout).expect("it could be made");
    assert!(!folder.file().exists(), "a rehearsal leaves nothing");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    rehearse(&folder.0, false, "pod-1", layout).expect("it could be joined");
    let book = open_existing(&folder.file()).expect("it is there");
    let door = book.door().expect("nobody else is there");
    assert!(door.has_members(&book.witness(0, 0)));
    door.set(0, Some(70), 9);
    drop(door);
    let mut lane = one.lane();
    assert_eq!(one.change(&mut lane, Change::Reserve(71)), Answer::Refused { used: 0, limit: 70 });
    one.book.leave(one.seat);
    assert!(!book.door().expect("free").has_members(&book.witness(0, 0)));
    // Looked at as hard as a member looks.
    fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).expect("ours");
    for refused in
        [open_existing(&folder.file()).map(drop), rehearse(&folder.0, false, "pod-1", layout)]
    {
        let why = refused.expect_err("everybody may write it").to_string();
        assert!(why.contains("everybody"), "{why}");
    }
    let missing = folder.0.join("missing");
    let why = rehearse(&missing, false, "pod-1", layout).expect_err("not there").to_string();
    assert!(why.contains("missing cannot be used"), "{why}");
    rehearse(&missing, true, "pod-1", layout).expect("made");
}

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
fn crowded_is_said_and_the_dead_make_room() {
    let folder = Folder::new("crowd");
    let mut all: Vec<Process> = (0..64).map(|_| Process::start(&folder.plan(), None).0).collect();
    let book = open(&folder.plan()).expect("the ledger opens");
    let refused = book.seat(&Member::default(), 5).expect_err("all places are taken");
    assert!(refused.to_string().contains("all 64 places"), "{refused}");
    let gone = all.swap_remove(17);
    gone.book.leave(gone.seat);
    assert_eq!(book.seat(&Member::default(), 5).expect("one is free").index, 17);
}

#[test]
fn a_door_is_for_one_thread_at_a_time() {
    let folder = Folder::new("door");
    let (one, _) = Process::start(&folder.plan(), None);
    let inside = std::sync::atomic::AtomicU32::new(0);
    let pass = || {
        let door = one.book.door().expect("nobody stays");
        assert_eq!(inside.fetch_add(1, Ordering::AcqRel), 0, "somebody is there");
        std::thread::yield_now();
        inside.fetch_sub(1, Ordering::AcqRel);
        drop(door);
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| pass()));
        }
    });
}

#[test]
fn who_has_not_said_who_it_is_is_not_taken_for_the_one_before() {
    let folder = Folder::new("before");
    let (watching, _) = Process::start(&folder.plan(), None);
    let book = open(&folder.plan()).expect("the ledger opens");
    // One whose pid names nobody any more, as after its end.
    let gone = Member { pid: u64::from(u32::MAX), start: 5, pid_namespace: 7, ..Member::default() };
    let seat = book.seat(&gone, 5).expect("there is room");
    assert!(!watching.book.witness(watching.seat.id, 7).is_alive(seat.id), "gone by its pid");
    watching.book.sweep(&watching.book.witness(watching.seat.id, 7), 6);
    // Another takes the place, and has got no further than that.
    let id = seat.id + 100;
    let locked = book.file.with(|fd| crate::shm::file::lock(fd, living::byte_of(id)));
    assert!(locked.expect("locks work"));
    book.head.set(book.member_word(seat.index, layout::member::OWNER), id);
    assert!(watching.book.witness(watching.seat.id, 7).is_alive(id));
}

#[test]
fn after_a_restart_of_the_machine_it_begins_anew() {
    let folder = Folder::new("boot");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let mut lane = one.lane();
    assert_eq!(one.change(&mut lane, Change::Reserve(60)), Answer::Done);
    let before = read(&folder.file(), 0).expect("readable").epoch;
    let later = Plan { boot: [3, 4], ..folder.plan() };
    let (_two, _) = Process::start(&later, Some(80));
    let report = read(&folder.file(), 0).expect("readable");
    assert_eq!((report.devices[0].used, report.members.len()), (0, 1));
    assert_ne!(report.epoch, before);
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
    let at = book.event_at(99);
    book.head.set(at + layout::event::PAYLOAD, 1);
    book.head.set(book.event_at(98), 98 * 2 + 1);
    let report = read(&folder.file(), 4).expect("readable");
    assert_eq!(report.events, [event(96), event(97)]);
    assert_eq!(device::LANES % 2, 0);
}
