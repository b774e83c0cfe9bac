//! The simulated machine: cards and their bytes, shared by every process that names the same
//! `CUOTA_SIM` directory; a machine of its own for a process that names none.
//!
//! Exact after any death: a process is known alive by a lock the kernel drops with it, sums are
//! computed from the words of the living under one more such lock, and every change is one store.

mod bytes;
mod config;
mod current;
mod file;
mod layout;
mod lock;
mod process;
mod server;
mod shared;

pub use bytes::Full;
pub use current::{current, open};
pub use process::Process;
pub use server::Turn;
pub use shared::BlockId;

pub use layout::MAX_CARDS;
use layout::{CardWords, MACHINE_LOCK, Words};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard};

/// One process's view of a machine.
pub struct Machine {
    words: &'static Words,
    file: File,
    /// Open-file locks do not keep threads of one process apart; this does.
    threads: Mutex<()>,
    /// The slot this process lives in, or -1 while it holds nothing.
    slot: AtomicI64,
}

/// What a card is, unchanging.
#[derive(Debug, Clone)]
pub struct Card {
    pub name: String,
    pub uuid: [u8; 16],
    pub total: u64,
    pub sm_count: u32,
    /// By how many SMs MPS gives them.
    pub sm_step: u32,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
    /// What the driver takes for itself per context.
    pub context_bytes: u64,
}

impl Machine {
    /// The machine of a directory, made of the environment's cards if it is not there yet.
    pub fn in_directory(dir: &Path) -> Result<Self, String> {
        let cards = config::cards(|name| std::env::var(name).ok())?;
        file::open_or_create(dir, &cards)
            .map(Self::new)
            .map_err(|error| format!("the machine in {}: {error}", dir.display()))
    }

    /// A machine nobody else sees.
    pub fn alone() -> Result<Self, String> {
        let cards = config::cards(|name| std::env::var(name).ok())?;
        file::private(&cards).map(Self::new).map_err(|error| format!("a private machine: {error}"))
    }

    fn new((file, words): (File, &'static Words)) -> Self {
        Self { words, file, threads: Mutex::new(()), slot: AtomicI64::new(-1) }
    }

    pub fn cards(&self) -> usize {
        (self.words.header.cards.load(Relaxed) as usize).min(MAX_CARDS)
    }

    pub fn card(&self, number: usize) -> Option<Card> {
        Some(self.card_words(number)?.read())
    }

    /// An identifier no other object of this machine was or will be given.
    pub fn next_id(&self) -> u64 {
        self.words.header.next_id.fetch_add(1, Relaxed)
    }

    fn card_words(&self, number: usize) -> Option<&'static CardWords> {
        self.words.cards[..self.cards()].get(number)
    }

    /// Keeps every other thread and process out of the machine's words until dropped.
    fn locked(&self) -> Locked<'_> {
        let threads = self.threads.lock().unwrap_or_else(|e| e.into_inner());
        // Waiting fails only where such locks do not exist at all, and then nothing could be
        // shared: threads are still kept apart.
        let _ = lock::wait(self.file.as_fd(), MACHINE_LOCK);
        Locked { machine: self, _threads: threads }
    }
}

struct Locked<'a> {
    machine: &'a Machine,
    _threads: MutexGuard<'a, ()>,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        lock::give(self.machine.file.as_fd(), MACHINE_LOCK);
    }
}

#[cfg(test)]
mod tests;
