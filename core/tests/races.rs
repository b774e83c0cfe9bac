//! races MODE: threads at the ledger, the lock, the ring and the clock, for the thread sanitizer to
//! watch (`tests/sanitizers`). No test harness, no lock of std's and no output between threads: either
//! would order what is to be seen unordered.
//!
//! `sound` must be clean. `raced` writes one plain word from two threads without a lock, `loose` guards
//! it by a lock that orders nothing, and `overflow` reads behind an allocation: a sanitizer that does
//! not end those is not at work.
//!
//! The sanitizer cannot see the sixteen-byte swap, which is assembly: whatever a commit publishes looks
//! unordered to it. That costs nothing here, as all a commit publishes are atomics; it also means that
//! an ordering missing between a commit and its slots is for loom to find (`core/src/orders`). Nor does
//! it model fences. What it does watch is plain memory: what the lock guards, and what each `Book` keeps
//! for the threads of one process.

use std::cell::UnsafeCell;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cuota_core::book::layout::Layout;
use cuota_core::book::{self, Book, Device, Event, Kind, Member, Plan, Seat, Wish};
use cuota_core::ledger::{Answer, Change, Exact, Owned, join};
use cuota_core::shm::{Brief, Clock, Flag};

const THREADS: u64 = 4;
const ROUNDS: u64 = 20_000;
const LIMIT: u64 = 100;
const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };

struct Shared {
    /// A process each: the first two threads are of one, the others of one each.
    processes: Vec<(Book, Seat)>,
    clock: Clock,
    /// As a process keeps its lane: plain memory behind the lock.
    lane: Brief<Option<Owned<Exact>>>,
    count: Brief<u64>,
    loose: Brief<u64, Loose>,
    bare: Bare,
}

/// A plain word that nothing guards.
struct Bare(UnsafeCell<u64>);

// SAFETY: only `raced` reaches it from two threads, which is the race that has to be found.
unsafe impl Sync for Bare {}

/// A lock's flag that orders nothing.
struct Loose(AtomicBool);

impl Flag for Loose {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
    fn is_taken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    fn give(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
    fn pause(_: u32) {
        thread::yield_now();
    }
}

fn main() {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        "raced" | "loose" => at_once(&mode),
        "overflow" => overflow(),
        // Among all tests it is run without a sanitizer, and says only that it works.
        _ => at_once("sound"),
    }
    println!("ended well");
}

fn at_once(mode: &str) {
    let folder = Folder::new();
    let plan = Plan {
        directory: &folder.0,
        make_directory: true,
        client: "races",
        labels: "",
        layout: Layout::new(64, 64),
        boot: [1, 2],
    };
    let mut processes = Vec::new();
    for pid in 1..THREADS {
        let book = book::open(&plan).expect("a ledger can be made");
        let door = book.door().expect("nobody else is there");
        let seat = book.seat(&Member { pid, ..Member::default() }, 1).expect("there is room");
        let wish = Wish { device: CARD, limit: Some(LIMIT) };
        door.settle(seat, &[wish], &book.witness(seat.id, 0), 1).expect("there is room");
        drop(door);
        processes.push((book, seat));
    }
    let shared = Arc::new(Shared {
        lane: Brief::new(Some(lane(&processes[0]))),
        clock: Clock::new(),
        processes,
        count: Brief::new(0),
        loose: Brief::of(Loose(AtomicBool::new(false)), 0),
        bare: Bare(UnsafeCell::new(0)),
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let (shared, mode) = (shared.clone(), mode.to_owned());
            thread::spawn(move || member(&shared, number, &mode))
        })
        .collect();
    for thread in threads {
        thread.join().expect("it ends");
    }
    assert_eq!(shared.count.with(|count| *count), THREADS * ROUNDS);
    let (book, _) = &shared.processes[0];
    let report = book::read(book.path(), u64::MAX).expect("readable");
    assert_eq!((report.devices[0].used, report.members.len()), (0, 3));
    assert!(report.devices[0].peak <= LIMIT && report.written > THREADS * ROUNDS);
    assert!(report.events.len() > 32, "{} events are whole", report.events.len());
}

fn lane((book, seat): &(Book, Seat)) -> Owned<Exact> {
    let account = book.part(0).expect("claimed").account();
    join(&account, seat.index, seat.id, 1, &book.witness(seat.id, 0)).expect("a free lane")
}

fn member(shared: &Shared, number: u64, mode: &str) {
    let process = &shared.processes[number.saturating_sub(1) as usize];
    let (book, seat) = process;
    let account = book.part(0).expect("claimed").account();
    let witness = book.witness(seat.id, 0);
    // As threads of one process do, the first two share a lane behind the lock.
    let mut own = (number > 1).then(|| lane(process));
    for round in 0..ROUNDS {
        let now = shared.clock.now();
        let mut change = |change| match &mut own {
            Some(owned) => owned.change(&account, change, now, &witness),
            None => shared.lane.with(|owned| {
                let owned = owned.as_mut().expect("it is there");
                owned.change(&account, change, now, &witness)
            }),
        };
        let bytes = 40 + number;
        match change(Change::Reserve(bytes)) {
            Answer::Done => assert_eq!(change(Change::Refund(bytes)), Answer::Done),
            Answer::Refused { .. } => {}
            Answer::Lost => panic!("a live owner was reaped"),
        }
        shared.count.with(|count| *count += 1);
        let (kind, payload) = (Kind::Untracked, [number, round, 0]);
        book.record(Event { time: now, member: number, kind, device: Some(0), payload });
        if round % 1000 == 0 {
            book.holders(0);
            book.sweep(&witness, now);
            let door = book.door().expect("nobody stays there");
            door.set(0, Some(LIMIT), now);
        }
        if mode == "loose" {
            shared.loose.with(|count| *count += 1);
        }
        if mode == "raced" && number < 2 {
            // SAFETY: none: two threads write the word. The sanitizer has to say so.
            unsafe { *shared.bare.0.get() += 1 };
        }
    }
}

fn overflow() {
    let words = black_box(vec![1_u64; 8]);
    // SAFETY: none: the word is not ours. The sanitizer has to say so.
    let behind = unsafe { black_box(words.as_ptr().add(8)).read_volatile() };
    println!("read {behind}");
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(std::env::temp_dir().join(format!("cuota-races-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
