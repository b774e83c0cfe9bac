//! The tally: how often each entry point was called, and by which path it was handed out, counted by
//! any number of processes in one file named by `CUOTA_TALLY`.
//!
//! Layout, in 64-bit words: a header (mark, number of records, number of tables, addresses that
//! `cuGetProcAddress` gave out and that are none of ours), then one record
//! per entry point (its name in eight words, kind, calls, handed out by `dlsym`, by the driver), then
//! one per private table (UUID in two words, asked, granted). Everyone who opens the file writes the
//! same names, so it needs no lock.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::shm::Words;

/// "cuotaly1", as a word.
const MARK: u64 = u64::from_le_bytes(*b"cuotaly1");
const HEADER: usize = 8;
const UNTRANSLATED: usize = 3;
const NAME: usize = 8;
const RECORD: usize = 16;
const TABLES: usize = 64;
const TABLE: usize = 4;
/// More entry points than any driver has; a file that claims more is not a tally.
const MOST: usize = 1 << 16;

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
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(path)?;
        if file.metadata()?.len() == 0 {
            // Written, not only sized: a full disk is an error here and not a SIGBUS later.
            file.write_all_at(&vec![0; total * size_of::<u64>()], 0)?;
        }
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

/// What a tally says, read from a copy.
#[derive(Debug, Default)]
pub struct Report {
    /// Addresses the driver gave out that are none of ours.
    pub untranslated: u64,
    pub entries: Vec<Line>,
    pub tables: Vec<Table>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub name: String,
    pub kind: Kind,
    pub calls: u64,
    pub by_dlsym: u64,
    pub by_driver: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub uuid: [u8; 16],
    pub asked: u64,
    pub granted: u64,
}

impl Report {
    /// Reads a tally's bytes, as copied from the file; says what is wrong with them if they are none.
    pub fn read(bytes: &[u8]) -> Result<Report, String> {
        let word = |index: usize| {
            let at = bytes.get(index.checked_mul(8)?..)?.get(..8)?;
            at.try_into().ok().map(u64::from_le_bytes)
        };
        if word(0) != Some(MARK) {
            return Err("not a tally".into());
        }
        let short = || "the tally is cut short".to_string();
        let count = word(1).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MOST);
        let count = count.ok_or("the tally claims an impossible number of entry points")?;
        if bytes.len() < (record(count) + TABLES * TABLE) * 8 {
            return Err(short());
        }
        let untranslated = word(UNTRANSLATED).ok_or_else(short)?;
        let mut report = Report { untranslated, ..Report::default() };
        for index in 0..count {
            let at = record(index);
            let name = bytes.get(at * 8..(at + NAME) * 8).ok_or_else(short)?;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let number = |offset| word(at + NAME + offset).ok_or_else(short);
            report.entries.push(Line {
                name: String::from_utf8_lossy(name).into_owned(),
                kind: match number(0)? {
                    1 => Kind::Body,
                    2 => Kind::Row,
                    _ => Kind::Forwarded,
                },
                calls: number(1)?,
                by_dlsym: number(2)?,
                by_driver: number(3)?,
            });
        }
        for table in 0..TABLES {
            let at = record(count) + table * TABLE;
            let number = |offset| word(at + offset).ok_or_else(short);
            let whole = u128::from(number(0)?) | u128::from(number(1)?) << 64;
            if number(2)? > 0 {
                let uuid = whole.to_le_bytes();
                report.tables.push(Table { uuid, asked: number(2)?, granted: number(3)? });
            }
        }
        Ok(report)
    }

    pub fn read_file(path: &FilePath) -> Result<Report, String> {
        let bytes = std::fs::read(path).map_err(|why| format!("{}: {why}", path.display()))?;
        Report::read(&bytes).map_err(|why| format!("{}: {why}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct File(std::path::PathBuf);

    impl File {
        fn new(name: &str) -> File {
            File(std::env::temp_dir().join(format!("cuota-tally-{}-{name}", std::process::id())))
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    const NAMES: [(&str, Kind); 3] =
        [("cuInit", Kind::Body), ("cuMemFree_v2", Kind::Row), ("cuTexRefCreate", Kind::Forwarded)];

    #[test]
    fn what_two_writers_count_a_reader_reads() {
        let file = File::new("two");
        let open = || Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
        let (one, two) = (open(), open());
        for tally in [&one, &two] {
            tally.calls(1).expect("a record").fetch_add(3, Ordering::Relaxed);
            tally.handed_out(1, Path::Dlsym);
            tally.table_asked(*b"0123456789abcdef", false);
        }
        one.handed_out(2, Path::ProcAddress);
        one.table_asked([7; 16], true);
        one.untranslated();
        assert!(one.calls(3).is_none());
        let report = Report::read_file(&file.0).expect("a tally");
        let line = |name: &str, kind, calls, by_dlsym, by_driver| Line {
            name: name.into(),
            kind,
            calls,
            by_dlsym,
            by_driver,
        };
        assert_eq!(
            report.entries,
            [
                line("cuInit", Kind::Body, 0, 0, 0),
                line("cuMemFree_v2", Kind::Row, 6, 2, 0),
                line("cuTexRefCreate", Kind::Forwarded, 0, 0, 1),
            ]
        );
        let tables = [(*b"0123456789abcdef", 2, 0), ([7; 16], 1, 1)];
        let tables = tables.map(|(uuid, asked, granted)| Table { uuid, asked, granted });
        assert_eq!((report.tables, report.untranslated), (tables.into(), 1));
    }

    #[test]
    fn a_file_of_another_build_is_refused() {
        let file = File::new("other");
        Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
        let mut other = NAMES;
        other[0].0 = "cuDeviceGet";
        let refused =
            Tally::open_or_create(&file.0, other.into_iter()).err().expect("another build");
        assert!(refused.to_string().contains("not a tally of this build"), "{refused}");
        assert!(
            Tally::open_or_create(&file.0, NAMES.into_iter().chain(NAMES)).is_err(),
            "too short"
        );
    }

    #[test]
    fn no_bytes_make_a_reader_fail_badly() {
        let file = File::new("bytes");
        Tally::open_or_create(&file.0, NAMES.into_iter()).expect("it can be made");
        let whole = std::fs::read(&file.0).expect("just written");
        for cut in 0..whole.len() {
            assert!(Report::read(&whole[..cut]).is_err(), "{cut}");
        }
        let mut hostile = whole;
        hostile[8..16].fill(0xff);
        assert!(Report::read(&hostile).is_err());
    }
}
