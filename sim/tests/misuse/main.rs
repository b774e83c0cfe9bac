//! What the driver refuses, it refuses here, with the code its documentation states.
//!
//! One table. Each row names an entry point and calls it twice: as it should be called, which must
//! succeed, and in one way wrong. So no row passes because nothing works, nor because everything fails.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/driver.rs"]
mod driver;

mod arrays;
mod captures;
mod contexts;
mod events;
mod graphs;
mod launches;
mod memory;
mod modules;
mod pools;
mod streams;
mod vmm;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use common::{Folder, passes};
use driver::*;

/// What a row finds when it is run.
pub struct World {
    pub ctx: usize,
    pub code: Code,
    pub stream: usize,
}

pub struct Row {
    area: &'static str,
    /// The entry point that answers.
    entry: &'static str,
    what: &'static str,
    expected: u32,
    right: fn(&World) -> u32,
    wrong: fn(&World) -> u32,
}

/// `cuEntry, "what is wrong" => code, |world| right, |world| wrong;`
macro_rules! rows {
    ($area:literal: $($entry:ident, $what:literal => $expected:literal, $right:expr, $wrong:expr;)*) => {
        pub static ROWS: &[$crate::Row] = &[$($crate::Row {
            area: $area,
            entry: stringify!($entry),
            what: $what,
            expected: $expected,
            right: $right,
            wrong: $wrong,
        }),*];
    };
}
pub(crate) use rows;

static AREAS: [&[Row]; 11] = [
    contexts::ROWS,
    memory::ROWS,
    streams::ROWS,
    events::ROWS,
    captures::ROWS,
    graphs::ROWS,
    modules::ROWS,
    launches::ROWS,
    vmm::ROWS,
    pools::ROWS,
    arrays::ROWS,
];

fn table() -> impl Iterator<Item = &'static Row> {
    AREAS.iter().flat_map(|rows| rows.iter())
}

/// How often each entry point was called, by the simulator's own account.
struct Counts {
    places: BTreeMap<String, usize>,
    file: PathBuf,
}

impl Counts {
    fn open() -> Counts {
        // The library makes the files when it is loaded.
        ok!(cuInit, 0);
        let machine = PathBuf::from(env::var_os("CUOTA_SIM").unwrap());
        let names = fs::read_to_string(machine.join("names")).unwrap();
        let places =
            names.lines().enumerate().map(|(at, name)| (name.to_owned(), at * 8)).collect();
        Counts { places, file: machine.join("calls") }
    }

    fn of(&self, entry: &str) -> u64 {
        let at = self.places[entry];
        u64::from_le_bytes(fs::read(&self.file).unwrap()[at..at + 8].try_into().unwrap())
    }
}

/// Runs one half of a row in a context of its own; tells its answer and how often the entry point was called.
fn answer(row: &Row, half: fn(&World) -> u32, counts: &Counts) -> (u32, u64) {
    let turn = alone();
    let world = World { ctx: turn.ctx, code: code(), stream: stream(NON_BLOCKING) };
    let before = counts.of(row.entry);
    let answer = half(&world);
    (answer, counts.of(row.entry) - before)
}

/// What is to be said against a row, if anything.
fn complaints(row: &Row, expected: u32, counts: &Counts) -> Vec<String> {
    let name = format!("{} {}: {}", row.area, row.entry, row.what);
    let mut found = Vec::new();
    let (right, calls) = answer(row, row.right, counts);
    if right != 0 {
        found.push(format!("{name}: {right} when called as it should be"));
    }
    if calls == 0 {
        found.push(format!("{name}: not called as it should be"));
    }
    let (wrong, calls) = answer(row, row.wrong, counts);
    if wrong != expected {
        found.push(format!("{name}: {wrong}, not {expected}"));
    }
    if calls == 0 {
        found.push(format!("{name}: not called wrongly"));
    }
    found
}

#[test]
fn misuse_is_refused_as_documented() {
    let machine = Folder::new();
    passes("every_row", &[("CUOTA_SIM", machine.text())]);
}

#[test]
#[ignore = "run by misuse_is_refused_as_documented"]
fn every_row() {
    let counts = Counts::open();
    let found: Vec<String> =
        table().flat_map(|row| complaints(row, row.expected, &counts)).collect();
    assert!(found.is_empty(), "{} of {} rows:\n{}", found.len(), table().count(), found.join("\n"));
}

/// With any other code expected, or with right and wrong exchanged, every row must fail.
#[test]
fn the_table_can_fail() {
    let machine = Folder::new();
    passes("every_row_broken", &[("CUOTA_SIM", machine.text())]);
}

#[test]
#[ignore = "run by the_table_can_fail"]
fn every_row_broken() {
    let counts = Counts::open();
    for row in table() {
        assert!(
            !complaints(row, row.expected + 1, &counts).is_empty(),
            "{}: {}",
            row.entry,
            row.what
        );
        let exchanged = Row { right: row.wrong, wrong: row.right, ..*row };
        assert_eq!(
            complaints(&exchanged, row.expected, &counts).len(),
            2,
            "{}: {}",
            row.entry,
            row.what
        );
    }
}

#[test]
fn the_table_covers_every_area() {
    let mut areas = BTreeMap::<&str, usize>::new();
    table().for_each(|row| *areas.entry(row.area).or_default() += 1);
    assert_eq!(areas.len(), AREAS.len());
    assert!(areas.values().all(|rows| *rows >= 5), "{areas:?}");
    assert!(table().count() >= 60);
    assert!(table().all(|row| row.expected != 0));
    let rows: BTreeSet<(&str, &str)> = table().map(|row| (row.entry, row.what)).collect();
    assert_eq!(rows.len(), table().count(), "no row twice");
    let codes: BTreeSet<u32> = table().map(|row| row.expected).collect();
    assert!((900..=908).all(|code| codes.contains(&code)), "{codes:?}");
}
