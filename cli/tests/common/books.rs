//! Ledgers written word by word, as members of this very process: every figure is known.

use std::path::Path;

use cuota_core::book::layout::{Layout, count};
use cuota_core::book::{self, Block, Book, Device, Member, Part, Plan, Seat, Wish};
use cuota_core::ledger::{Answer, Change, Exact, Owned, join};
use cuota_core::shm::clock;

pub const CARD: Device = Device { uuid: [0xab; 16], bytes: 16 << 30 };
pub const OTHER: Device = Device { uuid: [0xcd; 16], bytes: 16 << 30 };

pub struct Booked {
    pub book: Book,
    pub seat: Seat,
}

/// A new member of a client, with both cards.
pub fn booked(directory: &Path, client: &str) -> Booked {
    booked_in(directory, client, clock::boot_id())
}

pub fn booked_in(directory: &Path, client: &str, boot: [u64; 2]) -> Booked {
    booked_as(directory, client, boot, &Member::default())
}

pub fn booked_as(directory: &Path, client: &str, boot: [u64; 2], who: &Member) -> Booked {
    let layout = Layout::new(64, 64);
    let plan = Plan { directory, make_directory: false, client, labels: "pod=a", layout, boot };
    let now = clock::boot_time();
    let (book, seat) = book::enter(&plan, who, &|| now).expect("it can be joined");
    let wishes = [CARD, OTHER].map(|device| Wish { device, limit: None });
    let door = book.door().expect("nobody else is there");
    door.settle(seat, &wishes, &book.witness(seat.id, 0), now).expect("there is room");
    drop(door);
    Booked { book, seat }
}

impl Booked {
    pub fn part(&self, device: usize) -> Part {
        self.book.part(device).expect("claimed")
    }

    /// Changes what it holds, at those times since boot.
    /// Changes, with what of them pools have idle, and when.
    pub fn holds(&self, device: usize, changes: &[(Change, i64, u64)]) {
        let (account, witness) = (self.part(device).account(), self.book.witness(self.seat.id, 0));
        let first = changes.first().map_or(0, |(.., time)| *time);
        let lane = join(&account, self.seat.index, self.seat.id, first, &witness);
        let mut lane: Owned<Exact> = lane.expect("a free lane");
        for (change, idle, time) in changes {
            let done = lane.change_with_idle(&account, *change, *idle, *time, &witness);
            assert_eq!(done, Answer::Done);
        }
    }

    pub fn counts(&self, device: usize) -> Block {
        assert!(self.book.open_counts(device, self.seat));
        self.part(device).block(self.seat.index, count::OWN).expect("opened")
    }

    /// As when it is killed.
    pub fn killed(&self) {
        self.book.leave(self.seat);
    }
}
