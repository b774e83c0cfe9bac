//! Blocks of device memory that outlive the process that made them, while another holds them.

use super::layout::{BlockWords, MAX_BLOCKS};
use super::{Full, Locked, Machine};
use std::sync::atomic::Ordering::Relaxed;

/// A block's name on its machine, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockId(pub u64);

impl Machine {
    /// Takes bytes of a card as a block, with this process as its first holder.
    pub fn share(&self, card: usize, bytes: u64) -> Result<BlockId, Full> {
        let words = self.card_words(card).ok_or(Full)?;
        let locked = self.locked();
        let slot = locked.my_slot_or_claim().ok_or(Full)?;
        let sum = locked.sum_with(card, words, bytes)?;
        let (index, block) = locked.unused_block().ok_or(Full)?;
        let id = self.next_id();
        block.card.store(card as u64, Relaxed);
        block.bytes.store(bytes, Relaxed);
        block.creator.store(slot as u64, Relaxed);
        block.holders[slot / 64].store(1 << (slot % 64), Relaxed);
        let seen = &self.words.header.blocks_seen;
        seen.fetch_max(index as u64 + 1, Relaxed);
        block.id.store(id, Relaxed);
        let cell = &self.words.slots[slot].cells[card];
        cell.peak.fetch_max(locked.held_by(slot, card), Relaxed);
        words.highest.fetch_max(sum, Relaxed);
        Ok(BlockId(id))
    }

    /// Becomes a holder of another process's block; false when nobody held it any more.
    pub fn hold(&self, id: BlockId) -> bool {
        let locked = self.locked();
        let Some(slot) = locked.my_slot_or_claim() else {
            return false;
        };
        locked.reap();
        let Some(block) = locked.block(id) else {
            return false;
        };
        block.holders[slot / 64].fetch_or(1 << (slot % 64), Relaxed);
        true
    }

    /// Holds a block no longer; its bytes go back with the last holder.
    pub fn let_go(&self, id: BlockId) {
        let locked = self.locked();
        let (Some(slot), Some(block)) = (self.my_slot(), locked.block(id)) else {
            return;
        };
        let card = block.card.load(Relaxed) as usize;
        if let Some(words) = self.card_words(card) {
            locked.note_highest(card, words);
        }
        block.leave(slot);
    }
}

impl Locked<'_> {
    pub(super) fn blocks_of(&self, card: usize) -> impl Iterator<Item = &'static BlockWords> + '_ {
        self.blocks().filter(move |block| block.card.load(Relaxed) == card as u64)
    }

    /// Whether the block's bytes are listed as this slot's: its creator's while that one holds it.
    pub(super) fn listed_under(&self, block: &BlockWords, slot: usize) -> bool {
        block.creator.load(Relaxed) == slot as u64 && block.holds(slot)
    }

    /// A slot's holds end with its process; its place in `creator` does too, or the slot's next
    /// process would be listed with them.
    pub(super) fn forget_holder(&self, slot: usize) {
        for block in self.blocks() {
            block.leave(slot);
            if block.creator.load(Relaxed) == slot as u64 {
                block.creator.store(u64::MAX, Relaxed);
            }
        }
    }

    fn blocks(&self) -> impl Iterator<Item = &'static BlockWords> + '_ {
        let seen = self.machine.words.header.blocks_seen.load(Relaxed) as usize;
        let blocks = &self.machine.words.blocks[..seen.min(MAX_BLOCKS)];
        // A block without a holder is one whose last holder was killed while leaving it.
        blocks.iter().filter(|b| b.id.load(Relaxed) != 0 && !b.unheld())
    }

    fn block(&self, id: BlockId) -> Option<&'static BlockWords> {
        self.blocks().find(|block| block.id.load(Relaxed) == id.0)
    }

    fn unused_block(&self) -> Option<(usize, &'static BlockWords)> {
        let mut blocks = self.machine.words.blocks.iter().enumerate();
        let (index, block) = blocks.find(|(_, b)| b.id.load(Relaxed) == 0 || b.unheld())?;
        block.id.store(0, Relaxed);
        for word in &block.holders {
            word.store(0, Relaxed);
        }
        Some((index, block))
    }
}

impl BlockWords {
    fn holds(&self, slot: usize) -> bool {
        self.holders[slot / 64].load(Relaxed) >> (slot % 64) & 1 == 1
    }

    fn unheld(&self) -> bool {
        self.holders.iter().all(|word| word.load(Relaxed) == 0)
    }

    fn leave(&self, slot: usize) {
        self.holders[slot / 64].fetch_and(!(1 << (slot % 64)), Relaxed);
        if self.unheld() {
            self.id.store(0, Relaxed);
        }
    }
}
