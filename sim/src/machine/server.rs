//! The machine's MPS server as its clients meet it: whose turn it is, and that it serves nobody new while
//! a process that a fault has reached still lives.

use super::layout::SlotWords;
use super::{Locked, Machine};
use std::sync::atomic::Ordering::Relaxed;

/// What a process hears that wants to become a client.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    Yours,
    /// Another user's clients are served.
    Others,
    /// Somebody whom a fault has reached is still there.
    Fault,
}

impl Machine {
    /// Becomes a client, if it is this user's turn; `shared`: all users are served at once.
    pub fn become_client(&self, user: u32, shared: bool) -> Turn {
        let locked = self.locked();
        locked.reap();
        if locked.has_fault() {
            return Turn::Fault;
        }
        let own = u64::from(user) + 1;
        let others = |(_, slot): (usize, &SlotWords)| {
            let of = slot.client_of.load(Relaxed);
            of != 0 && of != own
        };
        if !shared && locked.living().any(others) {
            return Turn::Others;
        }
        if let Some(slot) = locked.my_slot_or_claim() {
            self.words.slots[slot].client_of.store(own, Relaxed);
        }
        Turn::Yours
    }

    /// Whether the server may make another context on the card: it is well, and has not as many as it
    /// can have; else whether it is a fault that keeps it from it.
    pub fn has_place_for(&self, card: usize, most: u64) -> Result<(), Turn> {
        let locked = self.locked();
        locked.reap();
        if locked.has_fault() {
            return Err(Turn::Fault);
        }
        let clients = locked.living().filter(|(_, slot)| slot.client_of.load(Relaxed) != 0);
        let contexts: u64 = clients.map(|(_, slot)| slot.cells[card].contexts.load(Relaxed)).sum();
        if contexts < most { Ok(()) } else { Err(Turn::Others) }
    }

    /// What has so far reached every process on the card: a context whose card's word changed since it
    /// was made has met it. The low half says with which error.
    pub fn faults(&self, card: usize) -> u64 {
        self.card_words(card).map_or(0, |words| words.faults.load(Relaxed))
    }

    /// Everyone on the card meets `error`. If the server survives that it serves nobody new while one of
    /// them lives.
    pub fn fault(&self, card: usize, error: u32, server_survives: bool) {
        let Some(words) = self.card_words(card) else { return };
        let locked = self.locked();
        locked.reap();
        let here = |(_, slot): &(usize, &SlotWords)| {
            slot.client_of.load(Relaxed) != 0 && slot.cells[card].contexts.load(Relaxed) > 0
        };
        if server_survives {
            locked
                .living()
                .filter(here)
                .for_each(|(_, slot)| slot.cells[card].lost.store(1, Relaxed));
        }
        let _ = words.faults.fetch_update(Relaxed, Relaxed, |faults| {
            Some(((faults >> 32) + 1) << 32 | u64::from(error))
        });
    }
}

impl Locked<'_> {
    fn has_fault(&self) -> bool {
        self.living().any(|(_, slot)| slot.cells.iter().any(|cell| cell.lost.load(Relaxed) != 0))
    }
}
