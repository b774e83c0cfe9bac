//! The path table: every way by which device memory comes to be held, as a row of
//! `tests/programs/quota/`, with what the quota must let it have.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Outcome, Scratch};

mod row;
mod rows;

pub use row::Row;

/// The programs of the rows, compiled.
pub struct Programs(Scratch);

#[rustfmt::skip]
pub const PROGRAMS: [&str; 22] = [
    "linear", "vmm", "mapped", "pool", "keep", "graph", "idle", "array", "share", "import", "own", "green", "code",
    "misuse", "mixed", "beside", "twice", "race", "elsewhere", "order", "left", "turns",
];

impl Programs {
    pub fn new() -> Programs {
        let scratch = Scratch::new();
        for name in PROGRAMS {
            scratch.compile_linked(&format!("quota/{name}.c"), name, &[]);
        }
        Programs(scratch)
    }

    pub fn of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

/// All rows, those in which the driver fails a call behind the one they are made from.
pub fn table() -> Vec<Row> {
    rows::ROWS.iter().flat_map(Row::with_failures).collect()
}

/// What a row prints of itself.
pub struct Figures {
    pub filled: u64,
    refused: u64,
    refilled: u64,
}

impl Figures {
    pub fn read(name: &str, out: &str) -> Option<Figures> {
        let line = out.lines().find_map(|line| line.strip_prefix(&format!("row {name} ")))?;
        let words: Vec<_> = line.split(' ').collect();
        let ["filled", filled, "refused", refused, "refilled", refilled] = words[..] else {
            return None;
        };
        let number = |word: &str| word.parse().ok();
        let (filled, refused) = (number(filled)?, number(refused)?);
        Some(Figures { filled, refused, refilled: number(refilled)? })
    }

    pub fn expect(&self, bytes: u64) -> Result<(), String> {
        let Figures { filled, refused, refilled } = *self;
        let right = (filled, refused, refilled) == (bytes, 2, bytes);
        let found = format!("filled {filled}, refused with {refused}, refilled {refilled}");
        if right { Ok(()) } else { Err(format!("{found}; expected {bytes} bytes")) }
    }
}

/// A call that was refused did not reach the driver. Names never refused are left out: the library
/// asks some of them itself.
fn refused_stay_here(outcome: &Outcome) -> Result<(), String> {
    let mut asked = BTreeMap::<String, (u64, u64)>::new();
    for line in outcome.out().lines().filter_map(|line| line.strip_prefix("asked ")) {
        let words: Vec<_> = line.split(' ').collect();
        let [name, "made", made, "refused", refused] = words[..] else { continue };
        let number = |word: &str| word.parse::<u64>().map_err(|why| format!("{line}: {why}"));
        let sums = asked.entry(name.to_owned()).or_default();
        *sums = (sums.0 + number(made)?, sums.1 + number(refused)?);
    }
    let driven = outcome.driver_calls();
    for (name, (made, refused)) in asked.into_iter().filter(|(_, (_, refused))| *refused > 0) {
        let driven = driven.get(&name).copied().unwrap_or(0);
        if driven != made - refused {
            return Err(format!("{name}: made {made}, refused {refused}, driven {driven}"));
        }
    }
    Ok(())
}
