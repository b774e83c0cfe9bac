//! The three counts held against each other: made by the clients, seen by cuota, seen by the driver.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use cuota_core::tally::Report;

use super::clients::Played;
use crate::command::Failure;

#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    name: String,
    /// By client.
    made: [u64; 2],
    seen: [u64; 2],
    /// By the driver, whoever called.
    reached: u64,
    /// How cuota saw it handed out, over both clients.
    by_dlsym: u64,
    by_driver: u64,
}

impl Row {
    fn is_equal(&self) -> bool {
        self.made == self.seen && self.reached == self.made.iter().sum::<u64>()
    }

    fn and(self, other: &Row) -> Row {
        let sum = |one: [u64; 2], other: [u64; 2]| [one[0] + other[0], one[1] + other[1]];
        Row {
            made: sum(self.made, other.made),
            seen: sum(self.seen, other.seen),
            reached: self.reached + other.reached,
            ..self
        }
    }

    fn handed_out_by(&self) -> &'static str {
        match (self.by_dlsym > 0, self.by_driver > 0) {
            (true, true) => "dlsym, cuGetProcAddress",
            (true, false) => "dlsym",
            (false, true) => "cuGetProcAddress",
            (false, false) => "",
        }
    }
}

/// A row per entry point that anyone of the three knows a call of.
pub struct Counts(Vec<Row>);

impl Counts {
    pub fn read(clients: &Played, scratch: &Path) -> Result<Counts, Failure> {
        let reached = reached(&scratch.join("machine"))?;
        let [one, other] = &clients.0;
        let [seen_one, seen_other] = [&one.tally, &other.tally].map(|path| {
            Report::read_file(path).map_err(|why| Failure::ours(format!("what cuota saw: {why}")))
        });
        let seen = [seen_one?, seen_other?];
        Ok(Counts(rows([&one.calls, &other.calls], &seen, &reached)))
    }

    pub fn equal(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Row::is_equal)
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "{:>32}{:>14}{:>8}\n{:20}{:>6}{:>6}{:>8}{:>6}{:>8}  handed out by\n",
            "made by client", "seen by cuota", "reached", "entry point", 1, 2, 1, 2, "driver"
        );
        let all = self.0.iter().fold(Row { name: "all".into(), ..Row::default() }, Row::and);
        for row in self.0.iter().chain([&all]) {
            let Row { name, made, seen, reached, .. } = row;
            let mark = if row.is_equal() { ' ' } else { '*' };
            let line = format!(
                "{name:<20}{:>6}{:>6}{:>8}{:>6}{reached:>8} {mark}{}",
                made[0],
                made[1],
                seen[0],
                seen[1],
                row.handed_out_by()
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text + "\n"
    }
}

fn rows(
    made: [&BTreeMap<String, u64>; 2],
    seen: &[Report; 2],
    reached: &BTreeMap<String, u64>,
) -> Vec<Row> {
    let seen_names = seen.iter().flat_map(|report| &report.entries).filter(|line| line.calls > 0);
    let names: BTreeSet<&str> = made
        .iter()
        .flat_map(|calls| calls.keys())
        .chain(reached.keys())
        .map(String::as_str)
        .chain(seen_names.map(|line| line.name.as_str()))
        .collect();
    let row = |name: &str| {
        let lines =
            seen.each_ref().map(|report| report.entries.iter().find(|line| line.name == name));
        let [one, other] = lines;
        let sum = |of: fn(&cuota_core::tally::Line) -> u64| {
            lines.iter().flatten().map(|line| of(line)).sum()
        };
        Row {
            name: name.to_owned(),
            made: made.map(|calls| calls.get(name).copied().unwrap_or(0)),
            seen: [one, other].map(|line| line.map_or(0, |line| line.calls)),
            reached: reached.get(name).copied().unwrap_or(0),
            by_dlsym: sum(|line| line.by_dlsym),
            by_driver: sum(|line| line.by_driver),
        }
    };
    names.into_iter().map(row).collect()
}

/// What the simulated driver counted: a word per name, and the names, one a line.
fn reached(machine: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let failed = |why: std::io::Error| Failure::ours(format!("what the driver saw: {why}"));
    let names = fs::read_to_string(machine.join("names")).map_err(failed)?;
    let calls = fs::read(machine.join("calls")).map_err(failed)?;
    let words = calls.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word));
    let named = names.lines().map(str::to_owned).zip(words);
    Ok(named.filter(|(_, calls)| *calls > 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cuota_core::tally::{Kind, Line};

    fn made(calls: &[(&str, u64)]) -> BTreeMap<String, u64> {
        calls.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect()
    }

    fn seen(calls: u64, by_dlsym: u64, by_driver: u64) -> Report {
        let line = Line { name: "cuInit".into(), kind: Kind::Body, calls, by_dlsym, by_driver };
        Report { entries: vec![line], ..Report::default() }
    }

    fn counts(one: u64, other: u64, reached: u64) -> Counts {
        let seen = [seen(1, 1, 0), seen(2, 0, 1)];
        let made = [made(&[("cuInit", one)]), made(&[("cuInit", other)])];
        Counts(rows([&made[0], &made[1]], &seen, &self::made(&[("cuInit", reached)])))
    }

    #[test]
    fn three_equal_counts_are_equal() {
        let counts = counts(1, 2, 3);
        assert!(counts.equal());
        let text = counts.text();
        assert!(text.contains("3  dlsym, cuGetProcAddress\n") && !text.contains('*'), "{text}");
    }

    #[test]
    fn one_that_differs_is_marked() {
        for (one, other, reached) in [(2, 2, 3), (1, 1, 3), (1, 2, 4), (2, 1, 3)] {
            let counts = counts(one, other, reached);
            assert!(!counts.equal());
            assert!(counts.text().contains('*'), "{}", counts.text());
        }
    }

    #[test]
    fn what_only_the_driver_saw_has_a_row() {
        let nothing = made(&[]);
        let escaped = made(&[("cuEscaped", 1)]);
        let counts =
            Counts(rows([&nothing, &nothing], &[Report::default(), Report::default()], &escaped));
        assert!(!counts.equal() && counts.text().contains("cuEscaped"));
        assert!(!Counts(vec![]).equal());
    }
}
