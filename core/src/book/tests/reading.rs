//! What a reader makes of a ledger that changes under it.
#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::*;
use super::{Folder, Process};
use crate::ledger::{Answer, Change};
use crate::shm::file;

#[test]
fn what_is_held_is_read_as_of_one_moment_or_said_to_be_doubtful() {
    const BYTES: u64 = 1 << 30;
    const PAIRS: u64 = 300_000;
    let folder = Folder::new("moment");
    let (one, _) = Process::start(&folder.plan(), None);
    let look = || {
        let device = read(&folder.file(), 0).expect("readable").devices.remove(0);
        device.settled.then_some(device.held_byte_ns)
    };
    let over = AtomicBool::new(false);
    let doubtful = thread::scope(|scope| {
        scope.spawn(|| {
            let mut lane = one.lane();
            for pair in 0..PAIRS {
                // Far from the beginning: what does not belong together is far off.
                let now = (1 << 40) + 2 * pair;
                assert_eq!(one.change_at(&mut lane, Change::Reserve(BYTES), now), Answer::Done);
                assert_eq!(one.change_at(&mut lane, Change::Refund(BYTES), now + 1), Answer::Done);
                // Now and then nothing happens for as long as a look takes.
                if pair % 64 == 0 {
                    (0..2000).for_each(|_| std::hint::spin_loop());
                }
            }
            over.store(true, Ordering::Release);
        });
        let (mut before, mut doubtful) = (0, 0);
        while !over.load(Ordering::Acquire) {
            match look() {
                Some(held) => {
                    assert!(before <= held && held <= u128::from(PAIRS * BYTES), "{before} {held}");
                    before = held;
                }
                None => doubtful += 1,
            }
        }
        doubtful
    });
    println!("{doubtful} looks came to nothing");
    assert_eq!(look(), Some(u128::from(PAIRS * BYTES)));
}

#[test]
fn who_comes_or_leaves_has_not_died() {
    let folder = Folder::new("died");
    let gone = || {
        let report = read(&folder.file(), 0).expect("readable");
        (report.joined, report.left, report.died)
    };
    let (one, _) = Process::start(&folder.plan(), None);
    let (two, _) = Process::start(&folder.plan(), None);
    assert_eq!(gone(), (2, 0, 0));
    two.book.leave(two.seat);
    assert_eq!(gone(), (2, 0, 1), "killed");
    one.book.say_goodbye(one.seat, 7);
    assert_eq!(gone(), (2, 1, 1), "there still, and leaves");
    one.book.leave(one.seat);
    assert_eq!(gone(), (2, 1, 1));
    // A third has its number and its lock, and no place yet.
    let book = open(&folder.plan()).expect("it opens");
    book.head.set(layout::header::LAST_ID, 3);
    book.file.with(|fd| file::lock(fd.as_fd(), byte_of(3))).expect("locks work");
    assert_eq!(gone(), (3, 1, 1));
}
