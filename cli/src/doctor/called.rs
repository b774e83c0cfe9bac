//! What a program called of the driver, as a tally has it.
#![forbid(unsafe_code)]

use std::fmt::Write;

use cuota_core::tally::{Kind, Line, Report, Table};
use serde_json::{Value, json};

use crate::screen::wrapped;

pub fn called(report: &Report) -> impl Iterator<Item = &Line> {
    report.entries.iter().filter(|line| line.calls > 0)
}

pub fn only_looked_up(report: &Report) -> impl Iterator<Item = &Line> {
    report.entries.iter().filter(|line| line.calls == 0 && is_looked_up(line))
}

/// A line per entry point called, and what else was asked for.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    if called(report).next().is_some() {
        let _ = write!(text, "\n{:>12}  {:<44} {:<10} cuota\n", "calls", "entry point", "found by");
    }
    let mut lines: Vec<&Line> = called(report).collect();
    lines.sort_by(|one, other| other.calls.cmp(&one.calls).then(one.name.cmp(&other.name)));
    for line in &lines {
        let (by, kind) = (found_by(line), what_is_done(line.kind));
        let _ = writeln!(text, "{:>12}  {:<44} {by:<10} {kind}", line.calls, line.name);
    }
    if !lines.is_empty() {
        text += &wrapped("found by: ", FOUND_BY);
    }
    let looked_up: Vec<&Line> = only_looked_up(report).collect();
    if !looked_up.is_empty() {
        // A runtime looks up hundreds: their names would bury what was called.
        let by_driver = looked_up.iter().filter(|line| line.by_driver > 0).count();
        let _ = writeln!(
            text,
            "\nlooked up and not called: {} ({by_driver} from cuGetProcAddress); --json names them",
            looked_up.len()
        );
    }
    if !report.tables.is_empty() {
        text += "\nprivate tables asked for (calls through them are not seen):\n";
    }
    for table in &report.tables {
        let Table { asked, granted, .. } = table;
        let _ = writeln!(text, "    {}  asked {asked}, granted {granted}", uuid(table.uuid));
    }
    text
}

pub fn entry_points(report: &Report) -> Vec<Value> {
    let lines = called(report).chain(only_looked_up(report));
    let entry = |line: &Line| {
        json!({
            "name": line.name,
            "calls": line.calls,
            "found_by_dlsym": line.by_dlsym,
            "found_by_driver": line.by_driver,
            "how": kind_name(line.kind),
        })
    };
    lines.map(entry).collect()
}

pub fn tables(report: &Report) -> Vec<Value> {
    let table = |table: &Table| json!({ "uuid": uuid(table.uuid), "asked": table.asked, "granted": table.granted });
    report.tables.iter().map(table).collect()
}

fn is_looked_up(line: &Line) -> bool {
    line.by_dlsym > 0 || line.by_driver > 0
}

const FOUND_BY: &str = "dlsym = by name; driver = from cuGetProcAddress; linked = by the loader or dlsym(RTLD_DEFAULT), which cannot be counted";

/// By which path a program came to an entry point.
fn found_by(line: &Line) -> &'static str {
    match (line.by_dlsym > 0, line.by_driver > 0) {
        (true, true) => "both",
        (true, false) => "dlsym",
        (false, true) => "driver",
        (false, false) => "linked",
    }
}

fn what_is_done(kind: Kind) -> &'static str {
    match kind {
        Kind::Body => "hooked",
        Kind::Row => "no body yet",
        Kind::Forwarded => "forwarded",
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Body => "body",
        Kind::Row => "row",
        Kind::Forwarded => "forwarded",
    }
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{dash}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, calls: u64, by_dlsym: u64, by_driver: u64) -> Line {
        Line { name: name.into(), kind: Kind::Body, calls, by_dlsym, by_driver, asked: 0 }
    }

    #[test]
    fn what_was_called_and_how_it_was_found() {
        let entries = vec![
            line("cuFew", 1, 0, 0),
            line("cuMany", 20, 1, 1),
            line("cuIdle", 0, 1, 0),
            line("cuNever", 0, 0, 0),
        ];
        let tables = vec![Table { uuid: *b"0123456789abcdef", asked: 2, granted: 1 }];
        let report = Report { entries, tables, ..Report::default() };
        let text = text(&report);
        assert!(text.find("cuMany") < text.find("cuFew"), "most calls first:\n{text}");
        assert!(text.contains("looked up and not called: 1 (0 from"), "{text}");
        assert!(
            text.contains("30313233-3435-3637-3839-616263646566  asked 2, granted 1"),
            "{text}"
        );
        assert!(!text.contains("cuIdle") && text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(entry_points(&report).len(), 3);
        assert_eq!(self::tables(&report)[0]["asked"], 2);
    }

    #[test]
    fn paths_to_an_entry_point() {
        let by = |by_dlsym, by_driver| found_by(&line("x", 1, by_dlsym, by_driver));
        assert_eq!([by(0, 0), by(1, 0), by(0, 1), by(1, 1)], ["linked", "dlsym", "driver", "both"]);
    }
}
