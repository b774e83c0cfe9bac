//! The lock between threads, the ring's records and the clock's anchor.
#![forbid(unsafe_code)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::thread;

use super::words::{All, Keeps, Kept};
use super::{breaks, holds};
use crate::book::record::{Exact, Rules, read_record, write_record};
use crate::book::{Event, Kind};
use crate::ledger::Word;
use crate::shm::clock::{Anchor, Anchored};
use crate::shm::{Brief, Flag};

macro_rules! without {
    ($($name:ident: $step:ident;)*) => {$(
        struct $name;
        impl Keeps for $name {
            const $step: bool = false;
        }
    )*};
}

without! {
    NoSeal: SEAL;
    NoSettle: SETTLE;
    NoStore: STORE;
}

/// Gives back without releasing, or takes without acquiring.
struct Weak<const TAKES: bool>(AtomicBool);

impl<const TAKES: bool> Flag for Weak<TAKES> {
    fn take(&self) -> bool {
        let relaxed =
            || self.0.compare_exchange(false, true, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if TAKES { self.0.take() } else { relaxed() }
    }
    fn is_taken(&self) -> bool {
        self.0.is_taken()
    }
    fn give(&self) {
        if TAKES { self.0.store(false, Ordering::Relaxed) } else { self.0.give() }
    }
    fn pause(rounds: u32) {
        AtomicBool::pause(rounds);
    }
}

fn lock<F: Flag + Send + Sync + 'static>(flag: impl Fn(AtomicBool) -> F) {
    // What is guarded has no order of its own: an addition that does not see the last one is lost.
    let count = Arc::new(Brief::of(flag(AtomicBool::new(false)), AtomicU64::new(0)));
    let add = |count: &Brief<AtomicU64, F>| count.with(|count| count.put(count.peek() + 1));
    let threads = [(); 2].map(|()| {
        let count = count.clone();
        thread::spawn(move || add(&count))
    });
    for thread in threads {
        thread.join().expect("it ends");
    }
    assert_eq!(count.with(|count| count.peek()), 2, "an addition is lost");
}

#[test]
fn a_lock_keeps_others_out() {
    holds("lock", 3, || lock(|flag| flag));
    breaks("lock given back without release", "an addition is lost", 3, || lock(Weak::<true>));
    breaks("lock taken without acquire", "an addition is lost", 3, || lock(Weak::<false>));
}

fn event(n: u64) -> Event {
    Event { time: n, member: 1, kind: Kind::Joined, device: None, payload: [n, 0, 0] }
}

/// State, time, first payload word and check are those that can be torn.
fn record<K: Keeps>() -> Arc<Vec<Kept<K>>> {
    let word = |index| if [0, 1, 4, 7].contains(&index) { Kept::live(0) } else { Kept::dull(0) };
    Arc::new((0..8).map(word).collect())
}

/// What is believed to be the event of that number is.
fn look<K: Keeps, R: Rules>(record: &[Kept<K>], number: u64) {
    if let Some(found) = read_record::<R, _>(record, number) {
        assert_eq!((found.time, found.payload[0]), (10 + number, 10 + number), "a torn record");
    }
}

/// One writer a lap ahead of itself: the state alone tells what is whole.
fn one_writer<K: Keeps, R: Rules + Send + 'static>() {
    let record = record::<K>();
    let writes = record.clone();
    let writer = thread::spawn(move || {
        write_record::<R, _>(&writes, 0, &event(10));
        write_record::<R, _>(&writes, 1, &event(11));
    });
    let reads = record.clone();
    let reader = thread::spawn(move || (0..2).for_each(|number| look::<K, R>(&reads, number)));
    reader.join().expect("it ends");
    writer.join().expect("it ends");
    assert_eq!(read_record::<R, _>(&record, 1), Some(event(11)));
}

/// Two writers meet in a record, one a lap ahead, and a reader meets both.
fn two_writers<R: Rules + Send + 'static>() {
    let record = record::<All>();
    let writers = [0, 1].map(|number| {
        let writes = record.clone();
        thread::spawn(move || write_record::<R, _>(&writes, number, &event(10 + number)))
    });
    look::<All, R>(&record, 1);
    for writer in writers {
        writer.join().expect("it ends");
    }
    (0..2).for_each(|number| look::<All, R>(&record, number));
}

macro_rules! rules {
    ($($name:ident: $($step:ident)+;)*) => {$(
        struct $name;
        impl Rules for $name {
            $(const $step: bool = false;)+
        }
    )*};
}

rules! {
    ByState: CHECKS;
    NoMark: CHECKS MARKS;
    NoBefore: CHECKS BEFORE;
    NoAfter: CHECKS AFTER;
    ByCheck: MARKS BEFORE AFTER;
    NoNumber: NUMBERED;
}

#[test]
fn a_record_is_whole_or_not_there() {
    let torn = "a torn record";
    holds("ring, one writer", 3, one_writer::<All, Exact>);
    holds("ring, one writer, by its state", 3, one_writer::<All, ByState>);
    breaks("ring without seal", torn, 3, one_writer::<NoSeal, ByState>);
    breaks("ring without settle", torn, 3, one_writer::<NoSettle, ByState>);
    breaks("ring finished without release", torn, 3, one_writer::<NoStore, ByState>);
    breaks("ring without its mark", torn, 3, one_writer::<All, NoMark>);
    breaks("ring, the state not looked at before", torn, 3, one_writer::<All, NoBefore>);
    breaks("ring, the state not looked at after", torn, 3, one_writer::<All, NoAfter>);
}

#[test]
fn writers_that_meet_in_a_record_are_not_believed() {
    let torn = "a torn record";
    holds("ring, two writers", 2, two_writers::<Exact>);
    holds("ring, two writers, by its check", 2, two_writers::<ByCheck>);
    breaks("ring without its check", torn, 2, two_writers::<ByState>);
    breaks("ring, a check without its number", torn, 2, two_writers::<NoNumber>);
}

const fn moment(n: u64) -> Anchored {
    Anchored { ticks: n, time: n * 10, rate: n * 100, stale: n * 1000 }
}

fn anchors<K: Keeps>() {
    let anchor = Arc::new(Anchor::new(Kept::<K>::live, moment(1)));
    let writers = [2, 3].map(|n| {
        let anchor = anchor.clone();
        thread::spawn(move || {
            let (version, found) = anchor.read();
            assert!(found.is_none_or(|found| found == moment(found.ticks)), "a torn anchor");
            anchor.write(version, moment(n));
        })
    });
    let found = anchor.read().1;
    assert!(found.is_none_or(|found| found == moment(found.ticks)), "a torn anchor");
    for writer in writers {
        writer.join().expect("it ends");
    }
    let found = anchor.read().1.expect("nobody writes any more");
    assert_eq!(found, moment(found.ticks), "a torn anchor");
}

#[test]
fn an_anchor_is_of_one_moment() {
    holds("clock", 2, anchors::<All>);
    breaks("clock without seal", "a torn anchor", 2, anchors::<NoSeal>);
    breaks("clock without settle", "a torn anchor", 2, anchors::<NoSettle>);
    breaks("clock finished without release", "a torn anchor", 2, anchors::<NoStore>);
}
