//! Counts: sums that never go back, whoever sits down, leaves or is killed.
#![forbid(unsafe_code)]

use std::env;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::super::layout::{count, header};
use super::super::read::earlier;
use super::super::*;
use super::{Folder, Process};
use crate::kind::Kind as How;

fn member(plan: &Plan) -> Process {
    let (process, _) = Process::start(plan, None);
    assert!(process.book.open_counts(0, process.seat), "there is room");
    process
}

fn block(process: &Process, block: usize) -> Block {
    let part = process.book.part(0).expect("claimed");
    part.block(process.seat.index, block).expect("it has such a block")
}

/// What all members counted, and what each living one did.
fn counts(folder: &Folder) -> (Counts, Vec<Counts>) {
    let report = read(&folder.file(), 0).expect("readable");
    let own = |member: &MemberReport| member.shares.first().map(|share| share.counts.clone());
    (report.devices[0].counts.clone(), report.members.iter().filter_map(own).collect())
}

#[test]
fn what_threads_and_members_count_adds_up() {
    let folder = Folder::new("counts-sums");
    let round = |process: &Process, times: u64| {
        thread::scope(|scope| {
            // Two threads share the first block; the others have one each.
            for which in [1, 1, 2, 3, 4, 5, 6, 7] {
                let block = block(process, which);
                scope.spawn(move || {
                    for _ in 0..times {
                        block.add(Count::Kernels, 1);
                        block.copied(Direction::Peer, 5);
                        block.memory(How::Import, Memory::Refused, (1, 7));
                    }
                });
            }
        });
    };
    let is = |counts: &Counts, sum: u64| {
        assert_eq!(counts.of(Count::Kernels), sum);
        assert_eq!(counts.copied(Direction::Peer), (sum, 5 * sum));
        assert_eq!(counts.memory(How::Import, Memory::Refused), (sum, 7 * sum));
        assert_eq!(counts.launches(), sum);
        let other = [counts.of(Count::WaitedNs), counts.memory(How::Import, Memory::Freed).1];
        assert_eq!(other, [0, 0], "what nobody counted");
    };
    let (staying, mut sum) = (member(&folder.plan()), 0);
    for times in [10_000, 20, 3] {
        let one = member(&folder.plan());
        assert_eq!(one.seat.index, 1, "the place of the one before");
        is(&counts(&folder).0, sum);
        round(&one, times);
        round(&staying, 1);
        sum += 8 * times + 8;
        let (all, own) = counts(&folder);
        is(&all, sum);
        is(&own[1], 8 * times);
        one.book.leave(one.seat);
        is(&counts(&folder).0, sum);
    }
    let (_, own) = counts(&folder);
    assert_eq!(own.len(), 1, "the dead are no members");
    is(&own[0], 8 * 3);
}

#[test]
fn a_block_that_threads_share_loses_nothing() {
    const TIMES: u64 = 5_000_000;
    let folder = Folder::new("counts-shared");
    let (one, both) = (member(&folder.plan()), Barrier::new(2));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                both.wait();
                (0..TIMES).for_each(|_| block(&one, count::SHARED).add(Count::Kernels, 1));
            });
        }
    });
    assert_eq!(counts(&folder).0.of(Count::Kernels), 2 * TIMES);
}

#[test]
fn only_blocks_of_a_place_are_given_out() {
    let folder = Folder::new("counts-places");
    let members: Vec<Process> = (0..3).map(|_| member(&folder.plan())).collect();
    let part = members[0].book.part(0).expect("claimed");
    for which in [count::EARLIER, count::BLOCKS, usize::MAX] {
        assert!(part.block(1, which).is_none(), "{which}");
    }
    for place in [64, usize::MAX] {
        assert!(part.block(place, count::SHARED).is_none(), "{place}");
    }
    block(&members[2], count::OWN).add(Count::Fills, 9);
    members.iter().for_each(|member| member.book.leave(member.seat));
    // The places that were ever taken are read, whoever sits there, and never more than there are.
    assert_eq!(members[0].book.head.value(header::PLACES), 3);
    assert_eq!(counts(&folder).0.of(Count::Fills), 9);
    members[0].book.head.set(header::PLACES, u64::MAX);
    assert_eq!(counts(&folder).0.of(Count::Fills), 9);
    members[0].book.head.set(header::PLACES, 2);
    assert_eq!(counts(&folder).0.of(Count::Fills), 0, "the third place is beyond");
}

/// Members come and go in one place, adding all the while, and another stays.
#[test]
fn no_reader_sees_a_sum_go_back() {
    let folder = Folder::new("counts-back");
    let (staying, over) = (member(&folder.plan()), AtomicBool::new(false));
    let looks = AtomicU64::new(0);
    // Who has counted nothing yet is not among those that have.
    block(&staying, count::SHARED).add(Count::Kernels, 1);
    thread::scope(|scope| {
        for which in [count::SHARED, count::SHARED, count::OWN] {
            let (block, over) = (block(&staying, which), &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    block.add(Count::Kernels, 1);
                }
            });
        }
        let reader = scope.spawn(|| {
            let (mut before, mut own) = (0, 0);
            while !over.load(Ordering::Relaxed) {
                let (all, each) = counts(&folder);
                let now = all.of(Count::Kernels);
                assert!(now >= before, "{now} after {before}");
                let now_own = each[0].of(Count::Kernels);
                assert!(now_own >= own && now >= now_own, "{now_own} of {now} after {own}");
                for late in &each[1..] {
                    assert!(late.of(Count::Kernels) <= 1000, "{}", late.of(Count::Kernels));
                }
                (before, own) = (now, now_own);
                looks.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut rounds = 0;
        while rounds < 100 || (looks.load(Ordering::Relaxed) < 3 && !reader.is_finished()) {
            rounds += 1;
            let one = member(&folder.plan());
            let block = block(&one, count::OWN);
            (0..1000).for_each(|_| block.add(Count::Kernels, 1));
            one.book.leave(one.seat);
        }
        over.store(true, Ordering::Relaxed);
        reader.join().expect("all sums were right");
    });
}

#[test]
fn what_earlier_members_counted_is_read_whole() {
    let folder = Folder::new("counts-earlier");
    let one = member(&folder.plan());
    let part = one.book.part(0).expect("claimed");
    let (layout, over) = (one.book.layout(), AtomicBool::new(false));
    let at = layout.counts_at(one.seat.index);
    let start = layout.device_at(0) + layout::bytes(at);
    // Who is in the place, as its seat would say: before it has noted anything.
    let [seated, seen] = [const { AtomicU64::new(0) }; 2];
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let file = File::open(folder.file()).expect("ours");
            while !over.load(Ordering::Relaxed) {
                let id = seated.load(Ordering::Acquire);
                let Some(words) = earlier(&file, start, id).expect("readable") else { continue };
                assert!(words.iter().all(|word| *word == id), "{id}: {words:?}");
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        // Whoever comes finds as many of each counted as its number says.
        for id in one.seat.id + 1.. {
            for word in 0..count::EARLIER_FOR {
                part.set(at + count::OWN * count::WORDS + word, id);
            }
            seated.store(id, Ordering::Release);
            assert!(one.book.open_counts(0, Seat { id, ..one.seat }));
            if id % 16 == 0 {
                thread::yield_now();
            }
            let enough = id > 20_000 && seen.load(Ordering::Relaxed) > 0;
            if enough || reader.is_finished() {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        reader.join().expect("all were whole");
    });
}

/// The n-th addition, so that a sum says how many there were.
fn addition(n: u64) -> u64 {
    1 + n % 7
}

/// A process with a thread for each block; how far each got stands behind the blocks, in words of the
/// device's last place, which is nobody's.
#[test]
#[ignore = "started by the next"]
fn adder() {
    let Ok(directory) = env::var("CUOTA_TEST_ADDER") else { return };
    let one = member(&Folder::plan_in(Path::new(&directory)));
    thread::scope(|scope| {
        for which in count::OWN..count::BLOCKS {
            let (block, done) = (block(&one, which), done(&one.book, which));
            scope.spawn(move || {
                for n in 0.. {
                    block.add(Count::WaitedNs, addition(n));
                    done.store(n + 1, Ordering::Relaxed);
                }
            });
        }
        let _ = stdin().read(&mut [0]);
        std::process::exit(0)
    });
}

fn done(book: &Book, which: usize) -> &'static AtomicU64 {
    let last = book.layout().members as usize - 1;
    let at = book.layout().counts_at(last) + which;
    book.part(0).and_then(|part| part.word(at)).expect("it is there")
}

#[test]
fn what_the_killed_counted_is_kept() {
    let folder = Folder::new("counts-killed");
    let staying = member(&folder.plan());
    // Room for what the others note.
    let last = Seat { index: 63, id: u64::MAX };
    assert!(staying.book.open_counts(0, last));
    let all = || (count::OWN..count::BLOCKS).map(|which| done(&staying.book, which));
    let place = |which: usize, word: usize| {
        let at = staying.book.layout().counts_at(1) + which * count::WORDS + word;
        staying.book.part(0).expect("claimed").value(at)
    };
    let mut before = [0; count::BLOCKS];
    for round in 0..8 {
        all().for_each(|done| done.store(0, Ordering::Relaxed));
        let mut command = Command::new(env::current_exe().expect("we run"));
        command.args(["book::tests::counts::adder", "--exact", "--ignored"]);
        command.env("CUOTA_TEST_ADDER", &folder.0).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().expect("it can be started");
        while all().any(|done| done.load(Ordering::Relaxed) < 1000 + round) {
            assert!(process.try_wait().expect("it is ours").is_none(), "it ended");
            thread::yield_now();
        }
        process.kill().expect("it is ours");
        process.wait().expect("it is ours");
        let sums = |n: u64| (0..n).map(addition).sum::<u64>();
        let mut whole = 0;
        for (which, done) in (count::OWN..).zip(all()) {
            let (sum, done) =
                (place(which, Count::WaitedNs as usize), done.load(Ordering::Relaxed));
            let added = sum - before[which];
            // It may have died between an addition and the note of it.
            assert!([done, done + 1].map(sums).contains(&added), "{added} after {done}");
            (before[which], whole) = (sum, whole + sum);
        }
        assert_eq!(counts(&folder).0.of(Count::WaitedNs), whole);
    }
}
