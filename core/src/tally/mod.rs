//! The tally: how often each entry point was called, and by which path it was handed out, counted by
//! any number of processes in one file named by `CUOTA_TALLY`.
//!
//! Layout, in 64-bit words: a header (mark, number of records, number of tables, addresses that
//! `cuGetProcAddress` gave out and that are none of ours), then one record
//! per entry point (its name in eight words, kind, calls, handed out by `dlsym`, by the driver, calls
//! that cuota made itself), then
//! one per private table (UUID in two words, asked, granted). Everyone who opens the file writes the
//! same names, so it needs no lock.
#![forbid(unsafe_code)]

mod report;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, Ordering};

pub use report::{Line, Report, Table};

use crate::shm::{NoSizeSignal, Words};

/// "cuotaly1", as a word.
const MARK: u64 = u64::from_le_bytes(*b"cuotaly1");
const HEADER: usize = 8;
const UNTRANSLATED: usize = 3;
const NAME: usize = 8;
const RECORD: usize = 16;
const TABLES: usize = 64;
const TABLE: usize = 4;

/// What stands at an entry point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Body,
    Row,
    Forwarded,
}

/// How an entry point was handed out.
#[derive(Clone, Copy)]
pub enum Path {
    Dlsym,
    ProcAddress,
}

pub struct Tally {
    words: Words,
    count: usize,
}

impl Tally {
    /// Opens the tally at `path`, making it if it is not there; the entry points are always the same
    /// for one build, and a file of another is refused.
    pub fn open_or_create<'a>(
        path: &FilePath,
        names: impl Iterator<Item = (&'a str, Kind)>,
    ) -> io::Result<Tally> {
        let names: Vec<_> = names.collect();
        let total = HEADER + names.len() * RECORD + TABLES * TABLE;
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        let file = match options.open(path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                create(path, total)?;
                options.open(path)?
            }
            opened => opened?,
        };
        let tally = Tally { words: Words::map(&file, total)?, count: names.len() };
        tally.claim(0, MARK)?;
        tally.claim(1, names.len() as u64)?;
        tally.claim(2, TABLES as u64)?;
        for (index, (name, kind)) in names.iter().enumerate() {
            for (word, value) in name_words(name).into_iter().enumerate() {
                tally.claim(record(index) + word, value)?;
            }
            tally.claim(record(index) + NAME, *kind as u64 + 1)?;
        }
        Ok(tally)
    }

    /// A word that is the same for everybody who opens this file.
    fn claim(&self, index: usize, value: u64) -> io::Result<()> {
        let word = self.words.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
        match word.compare_exchange(0, value, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(()),
            Err(held) if held == value => Ok(()),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the file is not a tally of this build of cuota; remove it or name another",
            )),
        }
    }

    /// The word in which calls of entry point `index` are counted.
    pub fn calls(&self, index: usize) -> Option<&'static AtomicU64> {
        if index >= self.count {
            return None;
        }
        self.words.get(record(index) + NAME + 1)
    }

    /// The word in which questions of our own to entry point `index` are counted.
    pub fn asked(&self, index: usize) -> Option<&'static AtomicU64> {
        if index >= self.count {
            return None;
        }
        self.words.get(record(index) + NAME + 4)
    }

    pub fn handed_out(&self, index: usize, path: Path) {
        if let Some(word) = self.words.get(record(index) + NAME + 2 + path as usize) {
            word.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The driver gave out an address that is none of ours: a function newer than this library.
    pub fn untranslated(&self) {
        if let Some(word) = self.words.get(UNTRANSLATED) {
            word.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One of the driver's private tables was asked for. The first 64 different ones are told apart.
    pub fn table_asked(&self, uuid: [u8; 16], granted: bool) {
        let (low, high) = halves(uuid);
        let start = HEADER + self.count * RECORD;
        for table in 0..TABLES {
            let Some([first, second, asked, given]) = self.words.run(start + table * TABLE, TABLE)
            else {
                return;
            };
            let same = |word: &AtomicU64, half| {
                word.compare_exchange(0, half, Ordering::Relaxed, Ordering::Relaxed)
                    .unwrap_or_else(|held| held)
            };
            if matches!(same(first, low), held if held == 0 || held == low)
                && matches!(same(second, high), held if held == 0 || held == high)
            {
                asked.fetch_add(1, Ordering::Relaxed);
                given.fetch_add(u64::from(granted), Ordering::Relaxed);
                return;
            }
        }
    }
}

/// Made whole and then named, so that nobody ever maps half of one; whoever is second uses the
/// first's. Written, not only sized: a full disk is an error here and not a SIGBUS later.
fn create(path: &FilePath, words: usize) -> io::Result<()> {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let unique = (std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed));
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.{}", unique.0, unique.1));
    let _here = NoSizeSignal::new();
    let made = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&draft);
    let made = made.and_then(|file| file.write_all_at(&vec![0; words * size_of::<u64>()], 0));
    let named = made.and_then(|()| std::fs::hard_link(&draft, path));
    let _ = std::fs::remove_file(&draft);
    match named {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
        _ => Ok(()),
    }
}

fn record(index: usize) -> usize {
    HEADER + index * RECORD
}

fn halves(uuid: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(uuid);
    (whole as u64, (whole >> 64) as u64)
}

fn name_words(name: &str) -> [u64; NAME] {
    let mut bytes = [0; NAME * 8];
    for (place, byte) in bytes.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    let mut words = [0; NAME];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = chunk.try_into().map_or(0, u64::from_le_bytes);
    }
    words
}
