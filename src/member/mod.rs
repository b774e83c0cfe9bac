//! This process as a member of its client: its place in the ledger, its devices, and what it holds.
//!
//! Everything here belongs to one process. A child made by fork begins without it (`current` is
//! nothing there) and becomes a member of its own when it initialises CUDA.
#![forbid(unsafe_code)]

mod arrays;
mod backing;
mod captures;
mod charge;
mod contexts;
mod counting;
mod device;
mod fault;
mod flight;
mod graphs;
mod greens;
mod held;
mod limits;
mod listed;
mod look;
mod mark;
mod own;
mod pending;
mod pools;
mod refuse;
mod reserve;
mod small;
mod sparse;
mod spot;
mod start;
mod stopping;
mod sure;
mod view;
mod vmm;

use core::ffi::c_int;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::HashSet;
use std::sync::OnceLock;

use cuota_core::book::{Book, Grant, Member as Who, Seat, layout};
use cuota_core::config::Sm;
use cuota_core::pages::Pages;
use cuota_core::shm::{Brief, Clock};

pub use charge::{Charge, Full, Kind, leaves_out};
pub use contexts::Context;
pub use device::OnDevice;
pub use flight::{Awaited, Work};
pub use graphs::contents_of;
pub use greens::Green;
pub use held::{Entry, Room};
pub use look::{Looked, look};
pub use pending::Before;
pub use pools::Pool;
pub use reserve::Call;
pub use small::Linear;
pub use start::{join, settle};
pub use view::Slice;
pub use vmm::Dropped;

use crate::driver::fork::OfThisProcess;
use captures::Captures;
use contexts::Contexts;
use counting::Counting;
use graphs::Graphs;
use greens::Greens;
use held::Held;
use limits::Limits;
use pending::Pending;
use pools::Pools;
use vmm::Physicals;

/// More ordinals than a process sees devices.
pub const ORDINALS: usize = 64;

pub struct Member {
    book: Book,
    clock: Clock,
    client: String,
    who: Who,
    /// Another after we were taken for dead.
    seat: Brief<Seat>,
    counting: Counting,
    /// By ordinal.
    devices: [OnceLock<OnDevice>; ORDINALS],
    contexts: Contexts,
    pub greens: Greens,
    /// Small linear memory, by page.
    pages: Brief<Pages>,
    /// Everything else that has an address or a handle.
    held: Held,
    pub physicals: Physicals,
    pub pools: Pools,
    pub graphs: Graphs,
    limits: Limits,
    /// What has been used of libraries, and in which context.
    used: Brief<HashSet<(u64, u64)>>,
    captures: Captures,
    pending: Pending,
    /// The limits of this environment are in force, or were found to be.
    settled: AtomicBool,
    /// The share of the SMs it asks for.
    asked: Brief<Option<Sm>>,
}

static MEMBER: OfThisProcess<Member> = OfThisProcess::new();

/// This process's membership, if it has one.
#[inline(always)]
pub fn current() -> Option<&'static Member> {
    MEMBER.get()
}

impl Member {
    #[inline(always)]
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The share of the SMs this process asks for.
    pub fn note_share(&self, share: Option<Sm>) {
        self.book.note_share(self.counting.seat(), share);
        self.asked.with(|asked| *asked = share);
    }

    /// The same for another seat, with what was granted.
    pub(super) fn note_share_again(&self, seat: Seat) {
        self.book.note_share(seat, self.asked.with(|asked| *asked));
        for device in self.devices() {
            if let Some(grant) = device.grant.with(|grant| *grant) {
                device.part.note_grant(seat, grant);
            }
        }
    }

    /// What it was granted, and how many there are in all, if that is known.
    pub fn note_grant(&self, device: &OnDevice, all: Option<u32>, grant: Grant) {
        if let Some(all) = all {
            device.part.set(layout::device::SMS, all.into());
        }
        device.part.note_grant(self.counting.seat(), grant);
        device.grant.with(|there| *there = Some(grant));
    }

    /// A context of it has so many. Answers with what it was granted, and of how many, where that is other
    /// than was noted.
    pub fn note_context(&self, device: &OnDevice, sms: u32) -> Option<(Grant, u64)> {
        let largest = device.largest.fetch_max(sms, Ordering::Relaxed).max(sms);
        let known = device.grant.with(|grant| *grant)?;
        let grant = Grant { sms: largest, ..known };
        (grant != known).then(|| {
            self.note_grant(device, None, grant);
            (grant, device.part.value(layout::device::SMS))
        })
    }

    pub fn note_alive(&self, device: &OnDevice) {
        device.note_alive(self.now());
    }

    /// The device of that ordinal, if the ledger has it.
    #[inline(always)]
    pub fn device(&self, ordinal: c_int) -> Option<&OnDevice> {
        self.devices.get(usize::try_from(ordinal).ok()?)?.get()
    }

    pub fn devices(&self) -> impl Iterator<Item = &OnDevice> {
        self.devices.iter().filter_map(OnceLock::get)
    }
}
