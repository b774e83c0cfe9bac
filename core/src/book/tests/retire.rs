#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::*;
use super::{Folder, Process};
use crate::ledger::{Answer, Change};
use crate::shm::file;

const JOINERS: u32 = 3;
/// How often it has to be removed, and joined, and how often at most each tries until then.
const ENOUGH: u32 = 20;
const ROUNDS: u32 = 2000;

fn is_named(book: &Book) -> bool {
    let there = file::open(book.path(), false).and_then(|there| file::stat(there.as_fd()));
    there.is_ok_and(|there| there.is_same_file(&book.file.stat()))
}

#[test]
fn who_joins_while_it_is_removed_is_in_the_next_one() {
    let folder = Folder::new("retire");
    let (removed, joined) = (AtomicU32::new(0), AtomicU32::new(0));
    let join = || {
        for _ in 0..ROUNDS {
            if [&removed, &joined].iter().all(|count| count.load(Ordering::Acquire) >= ENOUGH) {
                break;
            }
            let entered = enter(&folder.plan(), &Member::default(), &|| 5);
            let (book, seat) = match entered {
                // Removed faster than it can be entered.
                Err(Trouble { what: What::Moved, .. }) => continue,
                entered => entered.expect("there is always one to join"),
            };
            joined.fetch_add(1, Ordering::AcqRel);
            for _ in 0..10 {
                assert!(is_named(&book), "in a ledger that nobody can find");
                std::thread::yield_now();
            }
            book.leave(seat);
        }
    };
    std::thread::scope(|scope| {
        let joiners: Vec<_> = (0..JOINERS).map(|_| scope.spawn(join)).collect();
        while joiners.iter().any(|joiner| !joiner.is_finished()) {
            if let Some(closing) = Closing::begin(&folder.file(), 0).expect("it can be looked at") {
                closing.remove().expect("ours");
                removed.fetch_add(1, Ordering::AcqRel);
            }
        }
    });
    assert!(joined.into_inner() >= ENOUGH, "hardly anybody joined");
    assert!(removed.into_inner() >= ENOUGH, "not removed often enough to have tried it");
}

#[test]
fn one_that_was_opened_before_is_not_joined_after() {
    let folder = Folder::new("opened");
    let before = open(&folder.plan()).expect("made");
    let closing = Closing::begin(&folder.file(), 0).expect("ours").expect("nobody is in it");
    assert!(Closing::begin(&folder.file(), 0).expect("ours").is_none(), "somebody is at the door");
    closing.remove().expect("ours");
    drop(closing);
    let why = before.door().map(drop).expect_err("it is gone");
    assert!(matches!(why.what, What::Moved), "{why}");
    let (after, _seat) = enter(&folder.plan(), &Member::default(), &|| 5).expect("made anew");
    assert!(is_named(&after));
    assert!(Closing::begin(&folder.file(), 0).expect("ours").is_none(), "somebody is in it");
}

#[test]
fn one_whose_member_runs_without_its_lock_is_left() {
    let folder = Folder::new("unlocked");
    let pid = std::process::id().into();
    let start = start_time(pid).expect("we run");
    let who = Member { pid, start, pid_namespace: 7, ..Member::default() };
    let (book, seat) = enter(&folder.plan(), &who, &|| 5).expect("made");
    book.leave(seat);
    assert!(Closing::begin(&folder.file(), 7).expect("ours").is_none(), "it runs");
    assert!(Closing::begin(&folder.file(), 8).expect("ours").is_some(), "pids mean nothing there");
}

#[test]
fn what_was_read_is_the_last_only_if_nobody_was_there_or_has_come_since() {
    let folder = Folder::new("last");
    let who = Member::default();
    let (book, first) = enter(&folder.plan(), &who, &|| 5).expect("made");
    let read = || read(&folder.file(), 0).expect("readable");
    let is_last = |report: &Report| {
        let closing = Closing::begin(&folder.file(), 0).expect("ours").expect("nobody is in it");
        closing.is_last(report).expect("readable")
    };
    let while_it_was_there = read();
    book.leave(first);
    assert!(!is_last(&while_it_was_there), "what it did after that is missing");
    let after = read();
    assert!(is_last(&after));
    // It has a number, and takes a place when that is read already.
    let coming = book.seat(&who, 6).expect("there is room");
    let owner =
        book.head.get(book.member_word(coming.index, layout::member::OWNER)).expect("there");
    owner.store(0, Ordering::Release);
    let while_it_came = read();
    owner.store(coming.id, Ordering::Release);
    book.leave(coming);
    assert!(!is_last(&while_it_came), "all it did is missing");
    assert!(!is_last(&after), "another has come");
    assert!(is_last(&read()));
}

#[test]
fn what_is_held_until_it_is_read_is_told_apart_by_who_lives() {
    let folder = Folder::new("since");
    let plan = Plan { boot: crate::shm::clock::boot_id(), ..folder.plan() };
    let (one, _) = Process::start(&plan, None);
    let mut lane = one.lane();
    let now = crate::shm::clock::boot_time();
    assert_eq!(one.change_at(&mut lane, Change::Reserve(10), now - 1_000), Answer::Done);
    let look = || {
        let report = read(&folder.file(), 0).expect("readable");
        let device = &report.devices[0];
        assert_eq!((device.held_byte_ns, device.uncertain_byte_ns), (0, 0));
        let since = 10 * u128::from(report.read - (now - 1_000));
        (device.running_byte_ns == since, device.unnoticed_byte_ns == since, report.touched)
    };
    assert_eq!(look(), (true, false, now - 1_000));
    one.book.leave(one.seat);
    assert_eq!(look(), (false, true, now - 1_000));
    // What says it is of a time to come says nothing.
    let (kind, payload) = (Kind::Left, [0; 3]);
    for time in [now, u64::MAX] {
        one.book.record(Event { time, member: 1, kind, device: None, payload });
    }
    assert_eq!(read(&folder.file(), 2).expect("readable").touched, now);
}
