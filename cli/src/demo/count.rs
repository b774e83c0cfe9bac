//! Three counts held against each other: calls made by the clients, seen by cuota, and, of those that
//! ask for memory, received by the driver.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cuota_core::tally::Report;

use super::player::Gone;
use crate::command::Failure;
use crate::screen;

/// The function the clients ask for memory with. cuota itself asks the driver other things, but never
/// for memory.
const ASKS: &str = "cuMemAlloc_v2";

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Count {
    made: u64,
    seen: u64,
    /// Functions that cuota saw called more or less often than they were.
    wrong: Vec<String>,
    asked: u64,
    /// By cuota.
    refused: u64,
    reached: u64,
}

impl Count {
    pub fn of(clients: &[Gone], refused: u64, machine: &Path) -> Result<Count, Failure> {
        let reached = reached(machine)?.get(ASKS).copied().unwrap_or(0);
        let mut count = Count { refused, reached, ..Count::default() };
        for client in clients {
            let report = Report::read_file(&client.tally)
                .map_err(|why| Failure::ours(format!("what cuota saw: {why}")))?;
            count.add(&client.calls, &report);
        }
        Ok(count)
    }

    fn add(&mut self, made: &BTreeMap<String, u64>, report: &Report) {
        let seen = report.entries.iter().filter(|line| line.calls > 0);
        let mut seen: BTreeMap<&str, u64> =
            seen.map(|line| (line.name.as_str(), line.calls)).collect();
        self.seen += seen.values().sum::<u64>();
        self.made += made.values().sum::<u64>();
        self.asked += made.get(ASKS).copied().unwrap_or(0);
        for (name, calls) in made {
            if seen.remove(name.as_str()) != Some(*calls) {
                self.wrong.push(name.clone());
            }
        }
        self.wrong.extend(seen.into_keys().map(str::to_owned));
    }

    pub fn adds_up(&self) -> bool {
        self.made > 0 && self.wrong.is_empty() && self.asked == self.refused + self.reached
    }

    pub fn text(&self) -> String {
        let Count { made, seen, wrong, asked, refused, reached } = self;
        let wrong = match &wrong[..] {
            [] => String::new(),
            some => format!(" (not the same: {})", some.join(", ")),
        };
        format!(
            "Counted in act 2: the two made {}, cuota saw {seen}{wrong}. Of {asked} that asked for memory cuota refused {refused} and the driver got {reached}.",
            screen::count(usize::try_from(*made).unwrap_or(usize::MAX), "driver call")
        )
    }
}

/// What the simulated driver counted: a word per name, and the names, one a line.
fn reached(machine: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let failed = |why: std::io::Error| Failure::ours(format!("what the driver saw: {why}"));
    let names = fs::read_to_string(machine.join("names")).map_err(failed)?;
    let calls = fs::read(machine.join("calls")).map_err(failed)?;
    let words = calls.as_chunks::<8>().0.iter().map(|word| u64::from_ne_bytes(*word));
    Ok(names.lines().map(str::to_owned).zip(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cuota_core::tally::{Kind, Line};

    fn count(made: &[(&str, u64)], seen: &[(&str, u64)], refused: u64, reached: u64) -> Count {
        let made = made.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect();
        let line = |(name, calls): &(&str, u64)| Line {
            name: (*name).into(),
            kind: Kind::Body,
            calls: *calls,
            by_dlsym: 0,
            by_driver: 0,
            asked: 0,
        };
        let report = Report { entries: seen.iter().map(line).collect(), ..Report::default() };
        let mut count = Count { refused, reached, ..Count::default() };
        count.add(&made, &report);
        count
    }

    #[test]
    fn equal_counts_add_up() {
        let calls = [("cuInit", 1), (ASKS, 5)];
        let count = count(&calls, &[("cuInit", 1), (ASKS, 5), ("cuNever", 0)], 2, 3);
        assert!(count.adds_up(), "{count:?}");
        let text = count.text();
        assert!(text.contains("6 driver calls, cuota saw 6. Of 5"), "{text}");
    }

    #[test]
    fn one_that_differs_is_named() {
        let made = [("cuInit", 1), (ASKS, 5)];
        for (seen, name) in [
            (&[("cuInit", 1), (ASKS, 4)][..], ASKS),
            (&[(ASKS, 5)], "cuInit"),
            (&[("cuInit", 1), (ASKS, 5), ("cuEscaped", 1)], "cuEscaped"),
        ] {
            let count = count(&made, seen, 2, 3);
            assert!(!count.adds_up());
            assert!(count.text().contains(&format!("(not the same: {name})")), "{}", count.text());
        }
        assert!(!count(&made, &made, 2, 4).adds_up(), "the driver was asked round cuota");
        assert!(!Count::default().adds_up(), "nothing happened");
    }
}
