#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use super::super::layout::{self, Layout};
use super::super::*;
use super::{Folder, Process};
use crate::ledger::{Answer, Change, Living, Word};

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
    assert_eq!(report.members[0].shares, [Share { used: 60, ..Share::default() }]);
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
