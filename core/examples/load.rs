//! Clients that do what GPU programs do to a ledger, without a GPU.
//!
//! load make DIRECTORY CLIENTS MEMBERS    so many of both, with figures in every place; they live until
//!                                        standard input ends
//! load live DIRECTORY CLIENT SEED        a member that works until standard input ends, and leaves in
//!                                        good order, or until it is killed

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use cuota_core::book::layout::{Layout, count};
use cuota_core::book::{
    self, Block, Book, Count, Device, Direction, Event, Memory, Plan, Seat, Wish,
};
use cuota_core::kind::Kind;
use cuota_core::ledger::{Answer, Change, Exact, Owned, join};
use cuota_core::shm::{Clock, clock};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
const CARD: Device = Device { uuid: *b"0123456789abcdef", bytes: 80 * GIB };
const QUOTA: u64 = 8 * GIB;

struct Member {
    seat: Seat,
    lane: Owned<Exact>,
    block: Block,
    x: u64,
}

fn open(directory: &Path, client: &str) -> Book {
    let layout = Layout::new(64, 1024);
    let labels = format!("namespace=load,pod={client},container=main");
    let plan = Plan {
        directory,
        make_directory: true,
        client,
        labels: &labels,
        layout,
        boot: clock::boot_id(),
    };
    book::open(&plan).expect("the ledger opens")
}

fn join_in(book: &Book, clock: &Clock, seed: u64) -> Member {
    let pid = std::process::id().into();
    let start = book::start_time(pid).unwrap_or(0);
    let who = book::Member { pid, start, name: "load".into(), ..book::Member::default() };
    let door = book.door().expect("nobody stands there for long");
    let seat = book.seat(&who, clock.now()).expect("there is a place");
    let wish = Wish { device: CARD, limit: Some(QUOTA) };
    door.settle(seat, &[wish], &book.witness(seat.id, 0), clock.now()).expect("there is room");
    drop(door);
    let part = book.part(0).expect("claimed");
    let witness = book.witness(seat.id, 0);
    let lane = join(&part.account(), seat.index, seat.id, clock.now(), &witness);
    let lane = lane.expect("the lane of a place is free");
    assert!(book.open_counts(0, seat), "there is room");
    let block = part.block(seat.index, count::OWN).expect("just opened");
    block.add(Count::ContextsMade, 1);
    block.add(Count::ModulesLoaded, 3);
    Member { seat, lane, block, x: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
}

impl Member {
    /// A little of everything.
    fn work(&mut self, book: &Book, clock: &Clock) {
        self.x =
            self.x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (x, block, held) = (self.x, self.block, self.lane.slot.charge);
        let bytes = (1 + (x >> 20 & 1023)) * MIB;
        let kind = Kind::ALL[(x >> 40) as usize % 3];
        let (change, done, event) = if x >> 50 & 1 == 1 || held < bytes {
            (Change::Reserve(bytes), Memory::Taken, book::Kind::Allocated)
        } else {
            (Change::Refund(bytes), Memory::Freed, book::Kind::Freed)
        };
        let part = book.part(0).expect("claimed");
        let witness = book.witness(self.seat.id, 0);
        // Half of what it has is a pool's, and in nobody's hands.
        let held = self.lane.slot.charge;
        let after = match change {
            Change::Reserve(bytes) => held + bytes,
            _ => held.saturating_sub(bytes),
        };
        let idle = (after / 2).cast_signed() - self.lane.slot.idle.bytes;
        let (event, payload) = match self.lane.change_with_idle(
            &part.account(),
            change,
            idle,
            clock.now(),
            &witness,
        ) {
            Answer::Done => {
                block.memory(kind, done, (1, bytes));
                (event, [bytes, x, kind as u64])
            }
            Answer::Refused { used, limit } => {
                block.memory(kind, Memory::Refused, (1, bytes));
                (book::Kind::Refused, [bytes, limit, used])
            }
            Answer::Lost => panic!("alive, and taken for dead"),
        };
        let (time, member, device) = (clock.now(), self.seat.id, Some(0));
        book.record(Event { time, member, kind: event, device, payload });
        for (what, by) in [
            (Count::Kernels, x >> 30 & 63),
            (Count::Cooperative, 1),
            (Count::Graphs, 1),
            (Count::GraphKernels, 8),
            (Count::Waits, 1),
            (Count::WaitedNs, x >> 30 & 0xffff),
            (Count::Fills, 1),
            (Count::FillBytes, bytes),
        ] {
            block.add(what, by);
        }
        for direction in &Direction::ALL[..3] {
            block.copied(*direction, bytes);
        }
    }
}

fn wait_for_the_end() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn make(directory: &Path, clients: u64, members: u64) {
    let clock = Clock::new();
    let mut all = Vec::new();
    for client in 0..clients {
        for seed in 0..members {
            // Each with a file of its own: locks tell open files apart, not members.
            let book = open(directory, &format!("client-{client:04}"));
            let mut member = join_in(&book, &clock, client * 1000 + seed + 1);
            (0..20).for_each(|_| member.work(&book, &clock));
            all.push(book);
        }
    }
    println!("ready");
    wait_for_the_end();
}

fn live(directory: &Path, client: &str, seed: u64) {
    let clock = Clock::new();
    let book = open(directory, client);
    let mut member = join_in(&book, &clock, seed);
    static ENDS: AtomicBool = AtomicBool::new(false);
    std::thread::spawn(|| {
        wait_for_the_end();
        ENDS.store(true, Relaxed);
    });
    while !ENDS.load(Relaxed) {
        member.work(&book, &clock);
        std::thread::sleep(Duration::from_micros(member.x >> 20 & 1023));
    }
    member.block.add(Count::ContextsGone, 1);
    member.block.add(Count::ModulesUnloaded, 3);
    book.say_goodbye(member.seat, clock.now());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &str| text.parse().expect("a number");
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", directory, clients, members] => {
            make(Path::new(directory), number(clients), number(members))
        }
        ["live", directory, client, seed] => live(Path::new(directory), client, number(seed)),
        _ => panic!("load make DIRECTORY CLIENTS MEMBERS, or load live DIRECTORY CLIENT SEED"),
    }
}
