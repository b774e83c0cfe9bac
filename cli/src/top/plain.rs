//! The table once, as text.
#![forbid(unsafe_code)]

use super::columns::{self, Column, Shows};
use super::rows::Sample;
use super::state::State;
use crate::screen::count;

pub fn text(sample: Sample, sort: Column, rates: bool, width: usize) -> String {
    let unreadable = unreadable(&sample);
    let mut state = State::new(sort);
    state.sample = sample;
    state.rearrange();
    let shows = Shows { rates, shares: state.has_shares() };
    let columns = columns::fit(width, state.longest_name(), shows);
    let mut text = String::new();
    for line in [columns::titles(&columns, None)]
        .into_iter()
        .chain(state.rows().map(|row| columns::line(&columns, row)))
    {
        text += line.trim_end();
        text.push('\n');
    }
    if let Some(line) = unreadable {
        text += &line;
        text.push('\n');
    }
    text
}

/// Those that are not in the table, counted.
pub fn unreadable(sample: &Sample) -> Option<String> {
    let number = sample.unreadable.len();
    (number > 0).then(|| format!("{} cannot be read: see cuota ps", count(number, "ledger")))
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::row;
    use super::*;
    use crate::ledgers::Unreadable;

    #[test]
    fn rows_by_what_is_asked_and_what_is_missing_below() {
        let rows = vec![row("a", 1 << 30, Some(4 << 30)), row("b", 2 << 30, None)];
        let lost = || Unreadable { file: "x".into(), why: String::new() };
        let sample = |unreadable| Sample { rows: rows.clone(), unreadable, time: 0 };
        let shown = text(sample(vec![lost(), lost()]), Column::Used, false, 80);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 4, "{shown}");
        assert!(lines[0].starts_with("CLIENT ") && !shown.contains("/S"), "{shown}");
        assert!(lines[1].starts_with("b ") && lines[2].starts_with("a "), "{shown}");
        assert_eq!(lines[3], "2 ledgers cannot be read: see cuota ps");
        assert!(lines.iter().all(|line| line.len() <= 80));
        let shown = text(sample(vec![]), Column::Client, true, 80);
        assert!(shown.lines().nth(1).is_some_and(|line| line.starts_with("a ")), "{shown}");
        assert!(shown.contains("LAUNCH/S") && !shown.contains("read"), "{shown}");
    }
}
