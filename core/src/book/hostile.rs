//! Words that no cuota writes, each as `fuzz/` or a second look at its target found it to matter.
#![forbid(unsafe_code)]

use std::fs;

use super::layout::{device, header, member};
use super::tests::{CARD, Folder, Process};
use super::*;
use crate::ledger::{Answer, Change, Exact, LANE, Owned, TotalWord, Word, head, join};

#[test]
fn counters_may_be_at_their_end() {
    let folder = Folder::new("ends");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    one.book.head.set(header::GENERATION, u64::MAX);
    for last in [u64::MAX, u64::MAX - 1, u64::MAX / 2, u64::MAX / 2 - 1] {
        one.book.head.set(header::WRITTEN, last);
        one.book.door().expect("free").set(0, Some(last), 9);
        one.book.door().expect("free").set(0, Some(100), 9);
        read(&folder.file(), u64::MAX).expect("readable");
    }
}

#[test]
fn who_cannot_be_counted_is_no_member() {
    let folder = Folder::new("uncounted");
    let (one, _) = Process::start(&folder.plan(), None);
    for last in [u64::MAX, u64::MAX - 1, 1 << 50] {
        one.book.head.set(header::LAST_ID, last);
        let why = one.book.seat(&Member::default(), 5).expect_err("no number is left");
        assert!(why.to_string().contains("counted more members"), "{why}");
    }
}

#[test]
fn an_owner_that_nobody_can_be_is_dead() {
    let folder = Folder::new("impossible");
    let (one, _) = Process::start(&folder.plan(), None);
    for index in 1..64 {
        let word = one.book.member_word(index, member::OWNER);
        one.book.head.set(word, u64::MAX - index as u64);
    }
    let (two, _) = Process::start(&folder.plan(), None);
    assert_eq!(two.seat.index, 1);
}

#[test]
fn a_lane_past_its_last_number_is_nobodys() {
    let folder = Folder::new("numbers");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let part = one.book.part(0).expect("claimed");
    let account = part.account();
    let witness = one.book.witness(one.seat.id, 0);
    for number in [u64::MAX, u64::MAX - 1, 1 << 60, (1 << 48) - 1] {
        part.set(device::LANES + one.seat.index * LANE + head::APPLIED, number);
        let lane: Option<Owned<Exact>> = join(&account, one.seat.index, one.seat.id, 5, &witness);
        assert!(lane.is_none(), "{number}");
        assert_eq!(Word::load(account.lane(one.seat.index).expect("there").owner()), 0);
        // That of announcements has no owner.
        part.set(device::LANES + 64 * LANE + head::APPLIED, number);
        one.book.door().expect("free").set(0, Some(70), 9);
        assert_eq!(account.total.read().used, 0);
    }
}

#[test]
fn more_bytes_than_there_are_only_count_as_all() {
    let folder = Folder::new("bytes");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let mut lane = one.lane();
    for change in [Change::Force(7), Change::Force(u64::MAX), Change::Untracked(u64::MAX)] {
        assert_eq!(one.change(&mut lane, change), Answer::Done);
    }
    assert!(matches!(one.change(&mut lane, Change::Reserve(u64::MAX)), Answer::Refused { .. }));
}

#[test]
fn a_part_that_is_not_there_is_an_error_and_no_other_devices_limit() {
    let folder = Folder::new("absent");
    let (one, _) = Process::start(&folder.plan(), Some(100));
    let file = fs::OpenOptions::new().write(true).open(folder.file()).expect("ours");
    file.set_len(one.book.layout().device_at(0)).expect("cut");
    let book = open(&folder.plan()).expect("the header is whole");
    let seat = book.seat(&Member::default(), 5).expect("there is room");
    let door = book.door().expect("free");
    let other = Device { uuid: [7; 16], ..CARD };
    let wishes = [CARD, other].map(|device| Wish { device, limit: Some(5) });
    let why = door.settle(seat, &wishes, &book.witness(seat.id, 0), 5).expect_err("it is cut");
    assert!(why.to_string().contains("cut short"), "{why}");
}

#[test]
fn an_event_of_no_device_there_can_be_is_none() {
    let folder = Folder::new("device");
    let (one, _) = Process::start(&folder.plan(), None);
    let record = |device| {
        let (kind, payload) = (Kind::Refused, [1, 2, 3]);
        one.book.record(Event { time: 1, member: 1, kind, device: Some(device), payload });
    };
    record(DEVICES - 1);
    record(DEVICES);
    record(1 << 31);
    let report = read(&folder.file(), 3).expect("readable");
    assert_eq!(report.events.len(), 1);
}
