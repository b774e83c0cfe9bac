//! Whose limit is in force: what `cuota set` said until the last member is gone, else what the first
//! living member's environment asked for. With nobody there the next environment decides anew.
#![forbid(unsafe_code)]

use super::events::{Event, Kind};
use super::layout::{device, header};
use super::trouble::{Trouble, What};
use super::{Book, Device, Door, Seat};
use crate::ledger::{Exact, Living, UNLIMITED, announce};

/// What a member's environment wants of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub device: Device,
    /// Bytes; nothing if it names no limit.
    pub limit: Option<u64>,
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The device's index in the ledger.
    pub index: usize,
    /// The limit in force.
    pub limit: Option<u64>,
    /// What the environment in force asked for, where this one asked for something else.
    pub instead_of: Option<Option<u64>>,
}

fn word(limit: Option<u64>) -> u64 {
    limit.unwrap_or(UNLIMITED)
}

fn limit(word: u64) -> Option<u64> {
    (word != UNLIMITED).then_some(word)
}

impl Door<'_> {
    /// Claims the devices and brings the wishes in force, or learns what is.
    pub fn settle(
        &self,
        seat: Seat,
        wishes: &[Wish],
        living: &dyn Living,
        now: u64,
    ) -> Result<Vec<Standing>, Trouble> {
        let company = self.has_company(seat, living);
        let mut standings = Vec::new();
        for wish in wishes {
            let known = self.book.find_device(wish.device.uuid).is_some();
            let index = self.claim(wish.device)?;
            let Some(part) = self.book.part(index) else {
                let why = "the part of one of its devices is cut short";
                return Err(self.book.trouble(What::Unreadable(why)));
            };
            let wanted = word(wish.limit);
            if !company || !known {
                part.set(device::WANTED, wanted);
                part.set(device::BY_COMMAND, 0);
                if part.value(device::LIMIT) != wanted {
                    self.book.put_in_force(index, wanted, seat.id, now);
                }
            }
            let asked = part.value(device::WANTED);
            // Who wants nothing in particular agrees to anything.
            let differs = wish.limit.is_some() && asked != wanted;
            standings.push(Standing {
                index,
                limit: limit(part.value(device::LIMIT)),
                instead_of: differs.then(|| limit(asked)),
            });
        }
        self.book.settle(seat);
        Ok(standings)
    }

    /// `cuota set`: in force when this returns, until the last member is gone. Lowering a limit
    /// below what is held takes nothing away, it refuses what is asked for next.
    pub fn set(&self, index: usize, bytes: Option<u64>, now: u64) {
        if let Some(part) = self.book.part(index) {
            part.set(device::BY_COMMAND, 1);
            self.book.put_in_force(index, word(bytes), 0, now);
        }
    }
}

impl Book {
    fn put_in_force(&self, index: usize, limit: u64, by: u64, now: u64) {
        let Some(part) = self.part(index) else { return };
        let before = part.value(device::LIMIT);
        part.set(device::LIMIT, limit);
        announce::<Exact, _, _>(&part.account());
        let generation = self.head.value(header::GENERATION);
        self.head.set(header::GENERATION, generation.wrapping_add(1));
        let (kind, device) = (Kind::LimitChanged, Some(index));
        self.record(Event { time: now, member: by, kind, device, payload: [limit, before, 0] });
    }
}
