//! The ledger as a file: one per client, mapped by every member, read by anyone. It is the
//! accounting, and outlives every process that writes it.
#![forbid(unsafe_code)]

mod census;
mod counts;
mod device;
mod door;
mod drain;
mod events;
mod fault;
#[cfg(test)]
mod hostile;
mod lanes;
pub mod layout;
mod limits;
mod living;
mod open;
mod outside;
mod read;
pub(crate) mod record;
mod report;
mod retire;
mod ring;
mod seat;
#[cfg(test)]
mod tests;
mod trouble;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::shm::{Descriptor, Words};
use layout::{DEVICES, Layout, event, header};

pub use census::{Census, census};
pub use counts::{Block, Count, Counts, Direction, Memory};
pub use device::{Device, Grant, Part};
pub use door::Door;
pub use events::{Event, Kind, LARGE};
pub use fault::{Fault, Verdict, Who};
pub use limits::{Standing, Wish};
pub use living::{byte_of, start_time};
pub use open::{Plan, client_of, directory, enter, file_name, list, open};
pub use outside::{open_existing, rehearse};
pub use read::read;
pub use report::{DeviceReport, MemberReport, Report, Share};
pub use retire::Closing;
pub use ring::{Follower, Heard};
pub use seat::{Holder, Member, Seat};
pub use trouble::{Trouble, What};

/// A client's ledger, open in this process.
pub struct Book {
    file: Descriptor,
    /// Header, members and ring.
    head: Words,
    /// The ring's records.
    ring: &'static [[AtomicU64; event::WORDS]],
    layout: Layout,
    /// Children made by fork do not have the mappings, and keep no lock of ours alive.
    kept_from_children: bool,
    /// Each device's part, mapped when it is first needed.
    parts: [OnceLock<Words>; DEVICES],
    /// A thread of ours is at the door: its lock is the process's, and keeps no other thread out.
    at_door: AtomicBool,
}

impl Book {
    fn new(file: Descriptor, head: Words, layout: Layout, kept_from_children: bool) -> Book {
        let parts = [const { OnceLock::new() }; DEVICES];
        let at_door = AtomicBool::new(false);
        let (start, events) = ((layout.ring_at() / 8) as usize, layout.events as usize);
        let ring = head.run(start, events * event::WORDS).unwrap_or_default().as_chunks().0;
        Book { file, head, ring, layout, kept_from_children, parts, at_door }
    }

    pub fn path(&self) -> &std::path::Path {
        self.file.path()
    }

    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether children made by fork have nothing of it, whatever they do.
    pub fn is_kept_from_children(&self) -> bool {
        self.kept_from_children
    }

    /// In a child made by fork, before it does anything else. Async-signal-safe.
    pub fn close_in_child(&self) {
        self.file.close();
    }

    /// Two words that say at which start of the machine it was made.
    fn boot(&self) -> [u64; 2] {
        [self.head.value(header::BOOT_ID), self.head.value(header::BOOT_ID + 1)]
    }

    fn member_word(&self, index: usize, word: usize) -> usize {
        (self.layout.members_at() / 8) as usize + index * layout::member::WORDS + word
    }

    /// The file and every directory entry a member of it may own.
    fn members(&self) -> std::ops::Range<usize> {
        0..self.layout.members as usize
    }
}
