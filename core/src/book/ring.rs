//! Following the ring from outside: every event once, in order, and exactly how many were lost.
#![forbid(unsafe_code)]

use std::fs::File;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::events::Event;
use super::layout::{self, Layout, event, header};
use super::read::{Copied, opened};
use super::record::{Exact, Rules, finished, read_record};
use super::trouble::{Trouble, What};
use crate::shm::{clock, file};

/// How many nanoseconds a record may be in the making before its writer is taken for dead.
const PATIENCE: u64 = 200_000_000;
/// Records read at once.
const RUN: u64 = 512;

/// What stands where a number's record belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    Whole(Event),
    /// A later one has its place.
    Gone,
    /// Not written to its end yet, or never.
    Unfinished,
}

/// The records of those numbers, at most `RUN` and without a turn of the ring in between.
pub(super) fn records<R: Rules>(
    file: &File,
    layout: Layout,
    first: u64,
    end: u64,
) -> std::io::Result<Vec<Found>> {
    let until_turn = layout.events - first % layout.events;
    let count = end.saturating_sub(first).min(until_turn).min(RUN);
    let at = layout.ring_at() + first % layout.events * layout::bytes(event::WORDS);
    let Copied(words) = Copied::read(file, at, count as usize * event::WORDS)?;
    let words: Vec<AtomicU64> = words.into_iter().map(AtomicU64::new).collect();
    let records = words.chunks_exact(event::WORDS).zip(first..);
    Ok(records
        .map(|(record, number)| match read_record::<R, _>(record, number) {
            Some(event) => Found::Whole(event),
            None => match record.first().map_or(0, |state| state.load(Relaxed)) {
                state if state > finished(number) => Found::Gone,
                _ => Found::Unfinished,
            },
        })
        .collect())
}

/// What a follower hears of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heard {
    Event {
        number: u64,
        event: Event,
    },
    /// So many were overwritten before they were read, or never finished.
    Lost(u64),
}

/// A reader of one ledger's ring.
pub struct Follower<R = Exact> {
    file: File,
    layout: Layout,
    /// The number of the next event.
    next: u64,
    /// When a record was found in the making, and how many numbers were given out by then.
    waiting: Option<(u64, u64)>,
    rules: PhantomData<R>,
}

impl Follower {
    /// Follows the ledger at `path` from its newest `earlier` events on.
    pub fn open(path: &Path, earlier: u64) -> Result<Follower, Trouble> {
        Follower::by_rules(path, earlier)
    }
}

impl<R: Rules> Follower<R> {
    pub(super) fn by_rules(path: &Path, earlier: u64) -> Result<Follower<R>, Trouble> {
        let (file, layout) = opened(path)?;
        let mut follower = Follower { file, layout, next: 0, waiting: None, rules: PhantomData };
        let written = follower.written().map_err(|why| Trouble::new(path, What::File(why)))?;
        follower.next = written.saturating_sub(earlier.min(layout.events));
        Ok(follower)
    }

    /// Whether the name at `path` still leads to the file that is followed.
    pub fn is_at(&self, path: &Path) -> bool {
        let named = std::fs::symlink_metadata(path).map(|it| (it.dev(), it.ino())).ok();
        let own = file::stat(self.file.as_fd()).map(|it| (it.device, it.inode)).ok();
        own.is_some() && own == named
    }

    fn written(&self) -> std::io::Result<u64> {
        let at = layout::bytes(header::WRITTEN);
        Ok(Copied::read(&self.file, at, 1)?.get(0))
    }

    /// Whether the next record, which is in the making, may still be finished: its number was given
    /// out less than `PATIENCE` ago, as far as we know.
    fn is_worth_waiting(&mut self, written: u64) -> bool {
        if self.waiting.is_some_and(|(_, given)| given <= self.next) {
            self.waiting = None;
        }
        let now = clock::boot_time();
        let (since, _) = *self.waiting.get_or_insert((now, written));
        now.saturating_sub(since) < PATIENCE
    }

    /// What has come since. Stops before a record that is still in the making, for as long as
    /// `PATIENCE`; a `last` look waits for none.
    pub fn poll(&mut self, last: bool) -> std::io::Result<Vec<Heard>> {
        let written = self.written()?;
        let (mut heard, mut lost) = (Vec::new(), 0);
        // As many as there are places: writers may be faster than we are.
        let mut left = self.layout.events;
        'looks: while self.next < written && left > 0 {
            let overtaken = written.saturating_sub(self.layout.events).saturating_sub(self.next);
            lost += if R::COUNTS_OVERTAKEN { overtaken } else { 0 };
            self.next += overtaken;
            let found = records::<R>(&self.file, self.layout, self.next, written)?;
            left = left.saturating_sub(found.len() as u64);
            for found in found {
                match found {
                    Found::Whole(event) => {
                        if lost > 0 {
                            heard.push(Heard::Lost(core::mem::take(&mut lost)));
                        }
                        heard.push(Heard::Event { number: self.next, event });
                    }
                    Found::Unfinished if !last && self.is_worth_waiting(written) => break 'looks,
                    Found::Gone => lost += u64::from(R::COUNTS_GONE),
                    Found::Unfinished => lost += u64::from(R::COUNTS_UNFINISHED),
                }
                self.next += 1;
            }
        }
        if lost > 0 {
            heard.push(Heard::Lost(lost));
        }
        Ok(heard)
    }
}
