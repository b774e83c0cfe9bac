//! Who may take how many of a card's bytes.

use super::layout::{CardWords, CellWords};
use super::{Locked, Machine};
use crate::done;
use std::sync::atomic::Ordering::Relaxed;

/// A card cannot give what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Machine {
    /// Takes bytes of a card for this process, if they are there.
    pub fn reserve(&self, card: usize, bytes: u64) -> Result<(), Full> {
        let words = self.card_words(card).ok_or(Full)?;
        let locked = self.locked();
        let cell = locked.my_cell(card).ok_or(Full)?;
        let sum = locked.sum_with(card, words, bytes)?;
        let held = cell.held.load(Relaxed) + bytes;
        cell.held.store(held, Relaxed);
        cell.peak.fetch_max(held, Relaxed);
        done::holds(card, held);
        words.highest.fetch_max(sum, Relaxed);
        Ok(())
    }

    /// Gives back bytes this process had reserved.
    pub fn release(&self, card: usize, bytes: u64) {
        let Some(words) = self.card_words(card) else {
            return;
        };
        let locked = self.locked();
        locked.note_highest(card, words);
        if let Some(cell) = locked.my_cell(card) {
            let held = cell.held.load(Relaxed).saturating_sub(bytes);
            cell.held.store(held, Relaxed);
            done::holds(card, held);
        }
    }

    pub fn total(&self, card: usize) -> u64 {
        self.card_words(card).map_or(0, |words| words.total.load(Relaxed))
    }

    /// Bytes held by all living processes.
    pub fn used(&self, card: usize) -> u64 {
        let locked = self.locked();
        locked.reap();
        locked.sum(card)
    }

    pub fn free(&self, card: usize) -> u64 {
        self.total(card).saturating_sub(self.used(card))
    }

    /// The highest sum the living ever held together.
    pub fn highest(&self, card: usize) -> u64 {
        self.card_words(card).map_or(0, |words| words.highest.load(Relaxed))
    }

    /// Bytes this process holds, blocks it created and shares included.
    pub fn held(&self, card: usize) -> u64 {
        let locked = self.locked();
        match self.my_slot() {
            Some(slot) => locked.held_by(slot, card),
            None => 0,
        }
    }
}

impl Locked<'_> {
    /// The sum with so many more bytes, if the card has them. The dead are looked for only when
    /// they matter: when it seems not to, or seems to reach a new height.
    pub(super) fn sum_with(&self, card: usize, words: &CardWords, more: u64) -> Result<u64, Full> {
        let total = words.total.load(Relaxed);
        self.note_highest(card, words);
        let quiet = total.min(words.highest.load(Relaxed));
        let sum_if_within = |limit: u64| {
            let sum = self.sum(card).checked_add(more)?;
            (sum <= limit).then_some(sum)
        };
        sum_if_within(quiet)
            .or_else(|| {
                self.reap();
                sum_if_within(total)
            })
            .ok_or(Full)
    }

    /// Bytes held by every slot not yet known dead: those of processes and of shared blocks.
    pub(super) fn sum(&self, card: usize) -> u64 {
        let slots: u64 = self.living().map(|(_, slot)| slot.cells[card].held.load(Relaxed)).sum();
        let shared: u64 = self.blocks_of(card).map(|b| b.bytes.load(Relaxed)).sum();
        slots + shared
    }

    /// A process killed between taking bytes and raising the card's mark left this to the next
    /// one that takes the lock; so it comes before any change.
    pub(super) fn note_highest(&self, card: usize, words: &CardWords) {
        words.highest.fetch_max(self.sum(card), Relaxed);
    }

    pub(super) fn held_by(&self, slot: usize, card: usize) -> u64 {
        let own = self.machine.words.slots[slot].cells[card].held.load(Relaxed);
        let shared: u64 = self
            .blocks_of(card)
            .filter(|block| self.listed_under(block, slot))
            .map(|block| block.bytes.load(Relaxed))
            .sum();
        own + shared
    }

    fn my_cell(&self, card: usize) -> Option<&'static CellWords> {
        Some(&self.machine.words.slots[self.my_slot_or_claim()?].cells[card])
    }
}
