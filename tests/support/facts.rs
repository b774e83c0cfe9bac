//! The measured facts: every entry point, what drivers export, what `cuGetProcAddress` answers.

use std::collections::{BTreeMap, BTreeSet};

use super::root;

fn read(name: &str) -> String {
    let path = root().join("sim/facts").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// A row of the classification: name, class and C signature.
pub struct EntryPoint {
    pub name: String,
    pub class: String,
    pub signature: String,
}

/// Every known entry point but the debugger's.
pub fn entry_points() -> Vec<EntryPoint> {
    let text = read("entry-points.csv");
    let rows = text.lines().skip(1).map(fields);
    let points = rows.map(|mut row| EntryPoint {
        signature: row.pop().unwrap_or_default(),
        class: row.swap_remove(1),
        name: row.swap_remove(0),
    });
    points.filter(|point| !point.name.starts_with("cudbg")).collect()
}

/// The fields of a CSV line; quotes may hold commas.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("never empty").push(other),
        }
    }
    fields
}

pub const GENERATIONS: [&str; 8] = ["470", "525", "535", "550", "555", "580", "595", "615"];

/// The functions a driver generation exports, the debugger's left out.
pub fn exports(generation: &str) -> BTreeSet<String> {
    let text = read(&format!("exports/{generation}.txt"));
    text.lines()
        .filter(|name| !name.is_empty() && !name.starts_with("cudbg"))
        .map(String::from)
        .collect()
}

/// (base name, per-thread streams) → (minimum version → exported symbol).
pub type Lookup = BTreeMap<(String, bool), BTreeMap<i32, String>>;

pub fn lookup() -> Lookup {
    let mut map = Lookup::new();
    for row in read("gpa_map.csv").lines().skip(1).map(fields) {
        let [base, stream, version, symbol, ..] = row.as_slice() else { panic!("a short row") };
        let version = version.parse().expect("a version is a number");
        map.entry((base.clone(), stream == "2")).or_default().insert(version, symbol.clone());
    }
    map
}
