//! What a reader makes of a ledger that changes under it.
#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::super::layout::device;
use super::super::read::{Copied, of_one_moment};
use super::super::*;
use super::{Folder, Process};
use crate::ledger::{Answer, Change};
use crate::shm::file;

#[test]
fn what_is_held_is_read_as_of_one_moment_or_said_to_be_doubtful() {
    const ROUNDS: u64 = 300_000;
    /// Each step a nanosecond: 1, 1 + 2 and no bytes are held.
    const STEPS: [Change; 3] = [Change::Reserve(1), Change::Reserve(2), Change::Refund(3)];
    const HELD: u128 = 4 * ROUNDS as u128;
    let folder = Folder::new("moment");
    let (one, _) = Process::start(&folder.plan(), None);
    let look = || {
        let device = read(&folder.file(), 0).expect("readable").devices.remove(0);
        device.settled.then_some(device.held_byte_ns)
    };
    let over = AtomicBool::new(false);
    let (told, doubtful) = thread::scope(|scope| {
        scope.spawn(|| {
            let mut lane = one.lane();
            // Far from the beginning: what does not belong together is far off.
            let mut now = 1 << 40;
            for round in 0..ROUNDS {
                for step in STEPS {
                    assert_eq!(one.change_at(&mut lane, step, now), Answer::Done);
                    now += 1;
                }
                // Now and then nothing happens for as long as a look takes.
                if round % 64 == 0 {
                    (0..2000).for_each(|_| std::hint::spin_loop());
                }
            }
            over.store(true, Ordering::Release);
        });
        let (mut before, mut told, mut doubtful) = (0, 0, 0);
        while !over.load(Ordering::Acquire) {
            match look() {
                Some(held) => {
                    assert!(before <= held && held <= HELD, "{before}, then {held}");
                    (before, told) = (held, told + 1);
                }
                None => doubtful += 1,
            }
        }
        (told, doubtful)
    });
    println!("{told} looks told, {doubtful} came to nothing");
    assert_eq!(look(), Some(HELD));
}

#[test]
fn a_look_is_taken_again_if_somebody_commits_meanwhile() {
    /// Words of a part in which somebody commits before every reading up to the given one.
    fn look(last: usize) -> (u64, bool, usize) {
        let (mut seq, mut calls) = (0, 0);
        let mut part = |count| {
            calls += 1;
            seq += u64::from(calls <= last);
            let mut words = vec![0; count];
            words[device::TOTAL + 1] = seq;
            Ok(Copied(words))
        };
        let (words, settled) = of_one_moment(&mut part, device::LANES).expect("it reads");
        (words.get(device::TOTAL + 1), settled, calls)
    }
    assert_eq!(look(1), (1, true, 2));
    assert_eq!(look(2), (2, true, 4), "between the two");
    assert_eq!(look(3), (3, true, 4));
    assert!(!look(usize::MAX).1);
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
