//! Whose limit is in force: what `cuota set` said until the last member is gone, else what the first
//! living member's environment asked for. With nobody there the next environment decides anew.
#![forbid(unsafe_code)]

use super::events::{Event, Kind};
use super::layout::device::UNDECIDED;
use super::layout::{DEVICES, device, header};
use super::trouble::{Trouble, What};
use super::{Book, Device, Door, Part, Seat};
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

/// How a wish stands to what was asked for before it. Who wants nothing in particular agrees to anything.
fn standing(index: usize, wish: &Wish, part: &Part) -> Standing {
    let asked = part.value(device::WANTED);
    let differs = asked != UNDECIDED && wish.limit.is_some() && asked != word(wish.limit);
    Standing {
        index,
        limit: limit(part.value(device::LIMIT)),
        instead_of: differs.then(|| limit(asked)),
    }
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
        self.settle_if(&|_| true, seat, wishes, living, now)
    }

    /// The same for one that stays out if it disagrees: then nothing of it is in force, nor binds others.
    pub fn settle_if_agreed(
        &self,
        seat: Seat,
        wishes: &[Wish],
        living: &dyn Living,
        now: u64,
    ) -> Result<Vec<Standing>, Trouble> {
        let agrees = |all: &[Standing]| all.iter().all(|standing| standing.instead_of.is_none());
        self.settle_if(&agrees, seat, wishes, living, now)
    }

    fn settle_if(
        &self,
        comes_in: &dyn Fn(&[Standing]) -> bool,
        seat: Seat,
        wishes: &[Wish],
        living: &dyn Living,
        now: u64,
    ) -> Result<Vec<Standing>, Trouble> {
        let book = self.book;
        let (mut indexes, mut parts) = (Vec::new(), Vec::new());
        for wish in wishes {
            let index = self.claim(wish.device)?;
            // Before the next is claimed: that would make room where this one's was cut off.
            let cut = || book.trouble(What::Unreadable("the part of a device is cut short"));
            parts.push(book.part(index).ok_or_else(cut)?);
            indexes.push(index);
        }
        if !self.has_company(seat, living) {
            book.forget_policy(&indexes, now);
        }
        let found = indexes.iter().zip(wishes).zip(&parts);
        let mut standings: Vec<_> =
            found.map(|((index, wish), part)| standing(*index, wish, part)).collect();
        if comes_in(&standings) {
            for (standing, wish) in standings.iter_mut().zip(wishes) {
                standing.limit = book.bring_in_force(standing, wish, seat, now);
            }
            book.settle(seat);
        }
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
    /// Nobody is there whose environment or command counts. Of devices that are decided anew at once only
    /// that is forgotten, and not the limit.
    fn forget_policy(&self, at_once: &[usize], now: u64) {
        for index in 0..DEVICES {
            let Some(part) = self.part(index) else { continue };
            part.set(device::WANTED, UNDECIDED);
            part.set(device::BY_COMMAND, 0);
            if !at_once.contains(&index) && part.value(device::LIMIT) != UNLIMITED {
                self.put_in_force(index, UNLIMITED, 0, now);
            }
        }
    }

    /// Decides what is undecided; the limit in force then.
    fn bring_in_force(
        &self,
        standing: &Standing,
        wish: &Wish,
        seat: Seat,
        now: u64,
    ) -> Option<u64> {
        let Some(part) = self.part(standing.index) else { return standing.limit };
        let wanted = word(wish.limit);
        if part.value(device::WANTED) == UNDECIDED {
            part.set(device::WANTED, wanted);
            if part.value(device::BY_COMMAND) == 0 && part.value(device::LIMIT) != wanted {
                self.put_in_force(standing.index, wanted, seat.id, now);
            }
        }
        limit(part.value(device::LIMIT))
    }

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
