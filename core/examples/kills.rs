//! kills COUNT [MEMBERS] [SEED]: the ledger alone, with members that charge and give back as fast as
//! they can and are killed in the midst of it. Run by `bench/kills`.
//!
//! Prints one line; fails if anything is left, if a survivor's figure is not what the ledger says, if
//! more than the limit was ever charged, if a living member was taken for dead, or if one hangs.

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, fence};
use std::time::{Duration, Instant};

use cuota_core::book::layout::{Layout, device};
use cuota_core::book::{self, Book, Device, Member, Plan, Wish};
use cuota_core::ledger::{Answer, Change, Exact, Owned, TotalWord, join};
use cuota_core::shm::{Clock, Words, file};

const LIMIT: u64 = 100;
const MOST_HELD: u64 = 40;
const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 1 << 30 };
/// Longer than any operation takes on however slow a machine.
const HUNG: u64 = 30_000_000_000;

/// What the processes of this test tell each other, in words of a file of their own: for all, then
/// for each member.
#[derive(Clone, Copy)]
struct Board(Words);

const HALT: usize = 0;
const OPERATIONS: usize = 8;
const REFUSALS: usize = 16;
const STALL: usize = 24;
const LOST: usize = 32;
const ALL: usize = 64;
const BEGAN: usize = 0;
const HELD: usize = 1;
const RESTING: usize = 2;
const EACH: usize = 8;

impl Board {
    fn word(&self, index: usize) -> &'static AtomicU64 {
        self.0.get(index).expect("within the board")
    }

    fn of(&self, member: usize, word: usize) -> &'static AtomicU64 {
        self.word(ALL + member * EACH + word)
    }
}

fn plan(directory: &Path, members: u64) -> Plan<'_> {
    Plan {
        directory,
        make_directory: true,
        client: "kills",
        labels: "",
        layout: Layout::new(members.max(64), 1024),
        boot: [1, 2],
    }
}

/// A process of the client.
struct Process {
    book: Book,
    seat: book::Seat,
    who: Member,
    clock: Clock,
}

impl Process {
    fn start(plan: &Plan) -> Process {
        let clock = Clock::new();
        let pid = std::process::id().into();
        let start = book::start_time(pid).unwrap_or(0);
        let who = Member { pid, start, pid_namespace: 1, ..Member::default() };
        // The door is waited for two seconds; with hundreds of members it may take longer.
        let (book, seat) = loop {
            let book = book::open(plan).expect("the ledger opens");
            let Ok(door) = book.door() else { continue };
            let seat = book.seat(&who, clock.now()).expect("there is a place");
            let wish = Wish { device: CARD, limit: Some(LIMIT) };
            let witness = book.witness(seat.id, who.pid_namespace);
            door.settle(seat, &[wish], &witness, clock.now()).expect("there is room");
            drop(door);
            break (book, seat);
        };
        Process { book, seat, who, clock }
    }

    fn lane(&self) -> Owned<Exact> {
        let part = self.book.part(0).expect("claimed");
        let witness = self.book.witness(self.seat.id, self.who.pid_namespace);
        let lane = join(&part.account(), self.seat.index, self.seat.id, self.clock.now(), &witness);
        lane.expect("the lane of a place is free")
    }

    fn change(&self, lane: &mut Owned<Exact>, change: Change) -> Answer {
        let part = self.book.part(0).expect("claimed");
        let witness = self.book.witness(self.seat.id, self.who.pid_namespace);
        lane.change(&part.account(), change, self.clock.now(), &witness)
    }

    fn used(&self) -> u64 {
        self.book.part(0).map_or(0, |part| part.account().total.read().used)
    }
}

fn member(plan: &Plan, board: Board, index: usize, seed: u64) -> ! {
    let process = Process::start(plan);
    let mut lane = process.lane();
    let mut x = seed | 1;
    while board.word(HALT).load(Relaxed) == 0 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let (bytes, held) = (1 + (x >> 20 & 7), lane.slot.charge);
        let change = match x & 1 {
            1 if held < MOST_HELD => Change::Reserve(bytes),
            0 if held >= bytes => Change::Refund(bytes),
            _ => continue,
        };
        let began = process.clock.now();
        board.of(index, BEGAN).store(began, Relaxed);
        match process.change(&mut lane, change) {
            Answer::Done => {}
            Answer::Refused { used, limit } => {
                assert!(used + bytes > limit);
                board.word(REFUSALS).fetch_add(1, Relaxed);
            }
            Answer::Lost => {
                board.word(LOST).fetch_add(1, Relaxed);
                std::process::exit(1);
            }
        }
        board.word(STALL).fetch_max(process.clock.now() - began, Relaxed);
        board.word(OPERATIONS).fetch_add(1, Relaxed);
    }
    board.of(index, HELD).store(lane.slot.charge, Relaxed);
    board.of(index, BEGAN).store(0, Relaxed);
    board.of(index, RESTING).store(1, Relaxed);
    loop {
        std::thread::park();
    }
}

fn start(plan: &Plan, board: Board, index: usize, seed: u64) -> i32 {
    for word in 0..EACH {
        board.of(index, word).store(0, Relaxed);
    }
    fence(std::sync::atomic::Ordering::SeqCst);
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => member(plan, board, index, seed),
        pid => pid,
    }
}

fn kill(pid: i32) {
    // SAFETY: a child of ours that was not waited for.
    unsafe {
        libc::kill(pid, libc::SIGKILL);
        libc::waitpid(pid, std::ptr::null_mut(), 0);
    }
}

fn look_for_the_hung(board: Board, members: usize, clock: &Clock) {
    for index in 0..members {
        let began = board.of(index, BEGAN).load(Relaxed);
        assert!(began == 0 || clock.now() < began + HUNG, "member {index} hangs");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let mut next = |or| arguments.next().unwrap_or(or);
    let (count, members, mut x) = (next(10_000), next(8) as usize, next(1) | 1);
    let directory = std::env::temp_dir().join(format!("cuota-kills-{}", std::process::id()));
    let plan = plan(&directory, members as u64);
    std::fs::create_dir_all(&directory).expect("a directory can be made");
    let words = ALL + members * EACH;
    let shared = file::Draft::new(&directory, 0o600).expect("a file can be made");
    file::allocate(shared.file.as_fd(), 0, words as u64 * 8).expect("there is room");
    let board = Board(Words::map(&shared.file, words).expect("just made"));

    let (clock, began) = (Clock::new(), Instant::now());
    let mut pids: Vec<i32> =
        (0..members).map(|index| start(&plan, board, index, index as u64 * 77 + 1)).collect();
    let mut highest = 0;
    let mut killed = 0;
    while killed < count {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = (x >> 40) as usize % members;
        if x >> 33 & 1 == 1 {
            std::thread::sleep(Duration::from_micros(x >> 50 & 511));
        }
        // Some die together.
        let dying = (x >> 36) as usize % 3 + 1;
        let dying: Vec<usize> = (0..dying.min(members)).map(|at| (index + at) % members).collect();
        for index in &dying {
            // SAFETY: a child of ours that was not waited for.
            unsafe { libc::kill(pids[*index], libc::SIGKILL) };
        }
        for index in &dying {
            kill(pids[*index]);
            pids[*index] = start(&plan, board, *index, x ^ *index as u64);
        }
        killed += dying.len() as u64;
        look_for_the_hung(board, members, &clock);
    }
    board.word(HALT).store(1, Relaxed);
    while (0..members).any(|index| board.of(index, RESTING).load(Relaxed) == 0) {
        look_for_the_hung(board, members, &clock);
        std::thread::sleep(Duration::from_micros(50));
    }
    let took = began.elapsed();
    let held: u64 = (0..members).map(|index| board.of(index, HELD).load(Relaxed)).sum();
    // A process that comes now takes the dead off as it comes, and sees the living.
    let late = Process::start(&plan);
    let seen = late.used();
    let living = late.book.pids(1).len();
    for pid in pids {
        kill(pid);
    }
    let last = Process::start(&plan);
    let part = last.book.part(0).expect("claimed");
    let (used, peak) = (last.used(), part.value(device::PEAK));
    highest = highest.max(peak);
    let (operations, refusals) = (board.word(OPERATIONS), board.word(REFUSALS));
    let (stall, lost) = (board.word(STALL).load(Relaxed), board.word(LOST).load(Relaxed));
    println!(
        "killed {killed} of {members} in {:.1} s, {} operations, {} refused, longest stall {} us, highest {highest} of {LIMIT}; survivors hold {held}, seen {seen}; at the end {used}",
        took.as_secs_f64(),
        operations.load(Relaxed),
        refusals.load(Relaxed),
        stall / 1000,
    );
    let _ = std::fs::remove_dir_all(&directory);
    assert_eq!((seen, used, lost, living), (held, 0, 0, members + 1));
    assert!(highest <= LIMIT);
}
