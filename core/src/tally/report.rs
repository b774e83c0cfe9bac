//! Reading a tally.
#![forbid(unsafe_code)]

use std::path::Path as FilePath;

use super::{Kind, MARK, NAME, TABLE, TABLES, UNTRANSLATED, record};

/// More entry points than any driver has; a file that claims more is not a tally.
const MOST: usize = 1 << 16;

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
    /// Calls that cuota made itself.
    pub asked: u64,
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
                asked: number(4)?,
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
