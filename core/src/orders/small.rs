//! The lock between threads, the ring's records and the clock's anchor.
#![forbid(unsafe_code)]

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::thread;

use super::words::{All, Keeps, Kept};
use super::{breaks, holds};
use crate::book::events::{read_record, read_words, write_record};
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

/// One writer a lap ahead of itself: the state alone tells what is whole.
fn one_writer<K: Keeps>() {
    let record = record::<K>();
    let writes = record.clone();
    let writer = thread::spawn(move || {
        write_record(&writes, 0, &event(10));
        write_record(&writes, 1, &event(20));
    });
    let reads = record.clone();
    let reader = thread::spawn(move || {
        for number in 0..2 {
            if let Some((words, _)) = read_words(&reads, number) {
                let time = (number + 1) * 10;
                assert_eq!((words[0], words[3]), (time, time), "a torn record");
            }
        }
    });
    reader.join().expect("it ends");
    writer.join().expect("it ends");
    assert_eq!(read_record(&record, 1), Some(event(20)));
}

/// Two writers meet in a record, one a lap ahead.
fn two_writers(believes: impl Fn(&[Kept<All>], u64) -> Option<u64>) {
    let record = record::<All>();
    let writers = [0, 1].map(|number| {
        let writes = record.clone();
        thread::spawn(move || write_record(&writes, number, &event(10 + number)))
    });
    let check = |number| {
        if let Some(found) = believes(&record, number) {
            assert_eq!(found, 10 + number, "a torn record");
        }
    };
    check(1);
    for writer in writers {
        writer.join().expect("it ends");
    }
    check(0);
    check(1);
}

#[test]
fn a_record_is_whole_or_not_there() {
    holds("ring, one writer", 3, one_writer::<All>);
    breaks("ring without seal", "a torn record", 3, one_writer::<NoSeal>);
    breaks("ring without settle", "a torn record", 3, one_writer::<NoSettle>);
    breaks("ring finished without release", "a torn record", 3, one_writer::<NoStore>);
    let checked = |record: &[Kept<All>], number| {
        read_record(record, number).map(|event| {
            assert_eq!(event.time, event.payload[0], "a torn record");
            event.time
        })
    };
    holds("ring, two writers", 2, move || two_writers(checked));
    let unchecked = |record: &[Kept<All>], number| {
        read_words(record, number).map(|([time, _, _, payload, ..], _)| {
            assert_eq!(time, payload, "a torn record");
            time
        })
    };
    breaks("ring without its check", "a torn record", 2, move || two_writers(unchecked));
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
