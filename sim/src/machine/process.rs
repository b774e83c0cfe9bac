//! Which processes are on the machine, and which of them died.

use super::layout::{CellWords, FREE, GONE, LIVE, MAX_PROCESSES, SlotWords, slot_lock};
use super::{Locked, Machine, lock};
use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A process on one card, as the machine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: u32,
    /// Kernel clock ticks since boot at which it started.
    pub start: u64,
    pub alive: bool,
    pub held: u64,
    pub peak: u64,
    pub contexts: u64,
    pub busy_ns: u64,
    pub sm_ns: u64,
    pub launches: u64,
}

impl Machine {
    /// Every process that has or had to do with the card; the dead until their slot is needed.
    pub fn processes(&self, card: usize) -> Vec<Process> {
        if self.card_words(card).is_none() {
            return Vec::new();
        }
        let locked = self.locked();
        locked.reap();
        locked
            .seen()
            .filter(|(_, slot)| slot.state.load(Relaxed) != FREE)
            .map(|(index, slot)| {
                let cell = &slot.cells[card];
                let alive = slot.state.load(Relaxed) == LIVE;
                Process {
                    pid: slot.pid.load(Relaxed) as u32,
                    start: slot.start.load(Relaxed),
                    alive,
                    held: if alive { locked.held_by(index, card) } else { 0 },
                    peak: cell.peak.load(Relaxed),
                    contexts: if alive { cell.contexts.load(Relaxed) } else { 0 },
                    busy_ns: cell.busy_ns.load(Relaxed),
                    sm_ns: cell.sm_ns.load(Relaxed),
                    launches: cell.launches.load(Relaxed),
                }
            })
            .collect()
    }

    /// Counts a context of this process on the card, which NVML then lists.
    pub fn context_opened(&self, card: usize) {
        self.in_my_cell(card, |cell| {
            cell.contexts.fetch_add(1, Relaxed);
        });
    }

    pub fn context_closed(&self, card: usize) {
        self.in_my_cell(card, |cell| {
            let left = cell.contexts.load(Relaxed).saturating_sub(1);
            cell.contexts.store(left, Relaxed);
        });
    }

    /// Adds work the card did for this process to the exact account.
    pub fn worked(&self, card: usize, busy_ns: u64, sm_ns: u64, launches: u64) {
        if self.card_words(card).is_none() {
            return;
        }
        let slot = self.my_slot().or_else(|| self.locked().my_slot_or_claim());
        if let Some(slot) = slot {
            let cell = &self.words.slots[slot].cells[card];
            cell.busy_ns.fetch_add(busy_ns, Relaxed);
            cell.sm_ns.fetch_add(sm_ns, Relaxed);
            cell.launches.fetch_add(launches, Relaxed);
        }
    }

    pub(super) fn my_slot(&self) -> Option<usize> {
        usize::try_from(self.slot.load(Relaxed)).ok()
    }

    fn in_my_cell(&self, card: usize, change: impl Fn(&CellWords)) {
        if self.card_words(card).is_some() {
            let locked = self.locked();
            if let Some(slot) = locked.my_slot_or_claim() {
                change(&self.words.slots[slot].cells[card]);
            }
        }
    }
}

impl Locked<'_> {
    /// This process's slot; its first need claims one, unless the table is full of the living.
    pub(super) fn my_slot_or_claim(&self) -> Option<usize> {
        if let Some(slot) = self.machine.my_slot() {
            return Some(slot);
        }
        self.reap();
        // A gone process's account is kept as long as a never-used slot is left.
        let slot = self.claimable(FREE).or_else(|| self.claimable(GONE))?;
        let words = &self.machine.words.slots[slot];
        clear(words);
        self.forget_holder(slot);
        words.pid.store(u64::from(std::process::id()), Relaxed);
        words.start.store(own_start(), Relaxed);
        let seen = &self.machine.words.header.slots_seen;
        seen.fetch_max(slot as u64 + 1, Relaxed);
        words.state.store(LIVE, Relaxed);
        self.machine.slot.store(slot as i64, Relaxed);
        Some(slot)
    }

    /// The first slot in that state whose lock this process could take.
    fn claimable(&self, state: u64) -> Option<usize> {
        let slots = self.machine.words.slots.iter().enumerate();
        slots
            .filter(|(_, words)| words.state.load(Relaxed) == state)
            .map(|(slot, _)| slot)
            .find(|slot| lock::take(self.machine.file.as_fd(), slot_lock(*slot)))
    }

    /// Takes the dead off the machine: their bytes are nobody's from here on.
    pub(super) fn reap(&self) {
        let mut noted = false;
        for (slot, words) in self.living() {
            let mine = self.machine.my_slot() == Some(slot);
            if mine || lock::held_elsewhere(self.machine.file.as_fd(), slot_lock(slot)) {
                continue;
            }
            if !noted {
                noted = true;
                let cards = self.machine.words.cards.iter().take(self.machine.cards());
                for (card, card_words) in cards.enumerate() {
                    self.note_highest(card, card_words);
                }
            }
            words.state.store(GONE, Relaxed);
            self.forget_holder(slot);
        }
    }

    pub(super) fn living(&self) -> impl Iterator<Item = (usize, &'static SlotWords)> + '_ {
        self.seen().filter(|(_, slot)| slot.state.load(Relaxed) == LIVE)
    }

    fn seen(&self) -> impl Iterator<Item = (usize, &'static SlotWords)> + '_ {
        let seen = self.machine.words.header.slots_seen.load(Relaxed) as usize;
        let slots = &self.machine.words.slots[..seen.min(MAX_PROCESSES)];
        slots.iter().enumerate()
    }
}

fn clear(slot: &SlotWords) {
    let zero = |word: &AtomicU64| word.store(0, Relaxed);
    // While it is neither free nor alive, a kill leaves a slot that can be claimed again.
    slot.state.store(GONE, Relaxed);
    zero(&slot.client_of);
    for cell in &slot.cells {
        zero(&cell.held);
        zero(&cell.peak);
        zero(&cell.contexts);
        zero(&cell.busy_ns);
        zero(&cell.sm_ns);
        zero(&cell.launches);
        zero(&cell.lost);
    }
}

/// Field 22 of this process's stat line, counted after the command's closing bracket.
fn own_start() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(19))
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}
