//! Eight writers in four processes that are killed at any moment, each with its second thread giving way
//! in the midst of records; two readers beside them. `bench/ring` runs it for longer.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::env;
use std::io::{Read, stdin};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;

use super::super::super::layout::{Layout, header};
use super::super::super::record::{Exact, Rules, write_record};
use super::super::super::{Book, Plan, open};
use super::super::Folder;
use super::{Dice, Reader, event};
use crate::ledger::Word;

const PROCESSES: usize = 4;
const THREADS: u64 = 2;
const WRITER: &str = "book::tests::ring::killed::writer";

/// A word before which its writer gives way now and then, so that it is killed and lapped there.
struct Shaky<'a>(&'a AtomicU64, &'a RefCell<Dice>);

impl Shaky<'_> {
    fn give_way(&self) {
        if self.1.borrow_mut().below(128) == 0 {
            thread::yield_now();
        }
    }
}

impl Word for Shaky<'_> {
    fn load(&self) -> u64 {
        unreachable!("a writer does not read")
    }
    fn store(&self, value: u64) {
        self.give_way();
        Word::store(self.0, value);
    }
    fn replace(&self, _: u64, _: u64) -> bool {
        unreachable!("a writer does not wait")
    }
    fn raise(&self, _: u64) {
        unreachable!("a writer does not wait")
    }
    fn peek(&self) -> u64 {
        unreachable!("a writer does not read")
    }
    fn put(&self, value: u64) {
        self.give_way();
        self.0.put(value);
    }
    fn settle() {}
    fn seal() {
        <AtomicU64 as Word>::seal();
    }
}

fn plan(folder: &Path, events: u64) -> Plan<'_> {
    Plan {
        directory: folder,
        make_directory: false,
        client: "ring",
        labels: "",
        layout: Layout::new(64, events),
        boot: [1, 2],
    }
}

fn written(book: &Book) -> u64 {
    book.head.value(header::WRITTEN)
}

fn came(book: &Book) -> u64 {
    book.head.value(header::PASSED)
}

fn write(book: &Book, name: u64, shaky: bool) -> ! {
    let dice = RefCell::new(Dice(name));
    for count in 0.. {
        let Some((number, record)) = book.next_event() else { continue };
        let new = event(name, count, number);
        if shaky {
            let words: Vec<Shaky> = record.iter().map(|word| Shaky(word, &dice)).collect();
            write_record::<Exact, _>(&words, number, &new);
        } else {
            write_record::<Exact, _>(record, number, &new);
        }
    }
    unreachable!("nobody counts so far")
}

/// What each of the processes runs, until it is killed or nobody holds the other end of its input.
#[test]
#[ignore = "started by the others"]
fn writer() {
    let Ok(told) = env::var("CUOTA_TEST_WRITER") else { return };
    let told: Vec<&str> = told.splitn(3, ' ').collect();
    let [events, name] = [0, 1].map(|index| told[index].parse::<u64>().expect("a number"));
    let book = open(&plan(Path::new(told[2]), events)).expect("the ledger opens");
    drop(book.door().expect("nobody stays there"));
    while came(&book) < PROCESSES as u64 {
        thread::yield_now();
    }
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let book = &book;
            scope.spawn(move || write(book, name + thread, thread % 2 == 1));
        }
        let _ = stdin().read(&mut [0]);
        std::process::exit(0)
    });
}

fn start(folder: &Path, events: u64, name: u64) -> Child {
    let told = format!("{events} {name} {}", folder.display());
    let mut command = Command::new(env::current_exe().expect("we run"));
    command.args([WRITER, "--exact", "--ignored"]).env("CUOTA_TEST_WRITER", told);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it can be started")
}

/// Kills so many of the processes. What the readers were given and told to be lost.
fn torture<R: Rules + Send>(events: u64, kills: u64, records: u64) -> Result<[u64; 4], String> {
    let kind = std::any::type_name::<R>().len();
    let folder = Folder::new(&format!("killed-{kind}-{events}"));
    let book = open(&plan(&folder.0, events)).expect("the ledger opens");
    let [mut fast, mut slow] = [(); 2].map(|()| Reader::<R>::new(book.path()));
    let over = AtomicBool::new(false);
    let (mut dice, mut born, mut killed) = (Dice(events), 0, 0);
    thread::scope(|scope| {
        let fast = scope.spawn(|| {
            while !over.load(Acquire) {
                fast.look(false)?;
            }
            fast.finish(written(&book)).map(|()| [fast.delivered, fast.lost])
        });
        let slow = scope.spawn(|| {
            while !over.load(Acquire) {
                if written(&book) > slow.next + 3 * events {
                    slow.look(false)?;
                }
                thread::yield_now();
            }
            slow.finish(written(&book)).map(|()| [slow.delivered, slow.lost])
        });
        let mut birth = || {
            born += 1;
            start(&folder.0, events, born * THREADS)
        };
        let mut processes: Vec<Child> = (0..PROCESSES).map(|_| birth()).collect();
        while killed < kills || written(&book) < records {
            // All of them are there, and for a while.
            let next = written(&book) + 1 + dice.below(records / 16);
            while came(&book) < PROCESSES as u64 + killed || written(&book) < next {
                thread::yield_now();
            }
            let process = &mut processes[dice.below(PROCESSES as u64) as usize];
            process.kill().expect("it is ours");
            process.wait().expect("it is ours");
            killed += 1;
            *process = birth();
        }
        for process in &mut processes {
            // Its input ends.
            process.wait().expect("it is ours");
        }
        over.store(true, Release);
        let [fast, slow] = [fast, slow].map(|reader| reader.join().expect("it ends"));
        let ([fast, missed], [slow, skipped]) = (fast?, slow?);
        println!(
            "ring of {events}: {} records, {killed} processes killed; delivered {fast}, lost {missed}; the slow reader: {slow}, {skipped}",
            written(&book)
        );
        Ok([fast, missed, slow, skipped])
    })
}

/// How many of what, unless `bench/ring` says.
fn wanted(name: &str, or: u64) -> u64 {
    env::var(name).map_or(or, |text| text.parse().expect("a number"))
}

#[test]
fn whatever_is_read_was_written_and_whatever_is_not_is_counted() {
    let (kills, records) = (wanted("CUOTA_TEST_KILLS", 12), wanted("CUOTA_TEST_RECORDS", 200_000));
    for events in [64, 8192] {
        let counts = torture::<Exact>(events, kills, records).unwrap_or_else(|why| panic!("{why}"));
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    }
}

macro_rules! broken {
    ($($test:ident: $step:ident;)*) => {$(
        #[test]
        fn $test() {
            struct Broken;
            impl Rules for Broken {
                const $step: bool = false;
            }
            let found = (0..20).find_map(|_| torture::<Broken>(64, 4, 50_000).err());
            println!("{}: {found:?}", stringify!($test));
            assert!(found.is_some(), "nothing notices a ring {}", stringify!($test));
        }
    )*};
}

// What else can be left out is in `dealt.rs`, which is the same each time.
broken! {
    without_its_check: CHECKS;
    without_counting_what_was_overtaken: COUNTS_OVERTAKEN;
    without_counting_what_was_gone: COUNTS_GONE;
}
