//! What a command called, as the tally has it.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fmt::Write;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use cuota_core::tally::{Kind, Line, Report, Table};
use serde_json::{Value, json};

use super::check::{Check, Severity};
use crate::command::Failure;
use crate::native::system;
use crate::run;
use crate::scratch::Scratch;
use crate::screen::{count, wrapped};

/// A command that was run, and what it did.
pub struct Calls {
    words: Vec<String>,
    status: ExitStatus,
    warnings: Vec<String>,
    report: Report,
}

impl Calls {
    /// Runs the command under the preload with a tally of its own. Its output is its own; but where
    /// ours is for a machine (`quiet`), its standard output goes to standard error.
    pub fn of(words: &[OsString], library: &Path, quiet: bool) -> Result<Calls, Failure> {
        let scratch = Scratch::new()?;
        let tally = scratch.path().join("tally");
        let mut warnings = Vec::new();
        let mut command = run::prepared(words, library, &mut |text| warnings.push(text.to_owned()))?;
        command.env("CUOTA_TALLY", &tally);
        if quiet {
            let stderr = io::stderr().as_fd().try_clone_to_owned();
            command.stdout(stderr.map_or_else(|_| Stdio::null(), Stdio::from));
        }
        let failed = |why| Failure::ours(format!("running the command: {why}"));
        let status = system::wait_for(&mut command.spawn().map_err(failed)?).map_err(failed)?;
        // A command that used no CUDA leaves no tally.
        let report = if tally.exists() {
            Report::read_file(&tally).map_err(Failure::ours)?
        } else {
            Report::default()
        };
        let words = words.iter().map(|word| word.display().to_string()).collect();
        Ok(Calls { words, status, warnings, report })
    }

    fn called(&self) -> impl Iterator<Item = &Line> {
        self.report.entries.iter().filter(|line| line.calls > 0)
    }

    fn only_looked_up(&self) -> impl Iterator<Item = &Line> {
        self.report.entries.iter().filter(|line| line.calls == 0 && is_looked_up(line))
    }

    pub fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.ended(), self.seen()];
        checks.extend(self.warnings.iter().map(|warning| {
            Check::ok("reach", "what is not preloaded is not seen", warning.clone()).worse(Severity::Warn, "")
        }));
        checks
    }

    fn ended(&self) -> Check {
        let status = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or(0)),
        };
        let check = Check::ok(
            "command",
            "a command that stops early calls less than it would",
            format!("{} ended with {status}", self.words.join(" ")),
        );
        if self.status.success() {
            return check;
        }
        check.worse(Severity::Warn, "See what the command itself says; run it without cuota to compare.")
    }

    fn seen(&self) -> Check {
        let calls: u64 = self.called().map(|line| line.calls).sum();
        let found = format!(
            "{calls} calls of {}; {} more looked up and not called; {} asked for",
            count(self.called().count(), "entry point"),
            self.only_looked_up().count(),
            count(self.report.tables.len(), "private table")
        );
        let check = Check::ok("calls", "a program that cuota does not see is not accounted for", found);
        if calls > 0 || self.only_looked_up().next().is_some() {
            return check;
        }
        check.worse(
            Severity::Warn,
            "Nothing was seen: the command uses no CUDA, or it reaches the driver where cuota cannot follow (a static program, another container, a cleared environment).",
        )
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.called().next().is_some() {
            let _ = write!(text, "\n{:>12}  {:<44} {:<10} cuota\n", "calls", "entry point", "found by");
        }
        let mut lines: Vec<&Line> = self.called().collect();
        lines.sort_by(|one, other| other.calls.cmp(&one.calls).then(one.name.cmp(&other.name)));
        for line in &lines {
            let (by, kind) = (found_by(line), what_is_done(line.kind));
            let _ = writeln!(text, "{:>12}  {:<44} {by:<10} {kind}", line.calls, line.name);
        }
        if lines.iter().any(|line| !is_looked_up(line)) {
            text += &wrapped("  linked: ", "reached without a lookup that could be counted, by linking to libcuda or by dlsym(RTLD_DEFAULT)");
        }
        let names: Vec<&str> = self.only_looked_up().map(|line| line.name.as_str()).collect();
        if !names.is_empty() {
            let _ = write!(text, "\nlooked up and not called: {}\n", names.len());
            text += &wrapped("    ", &names.join(" "));
        }
        if !self.report.tables.is_empty() {
            text += "\nprivate tables asked for (calls through them are not seen):\n";
        }
        for table in &self.report.tables {
            let Table { asked, granted, .. } = table;
            let _ = writeln!(text, "    {}  asked {asked}, granted {granted}", uuid(table.uuid));
        }
        text
    }

    pub fn json(&self) -> Value {
        let entries = self.report.entries.iter().filter(|line| line.calls > 0 || is_looked_up(line));
        json!({
            "argv": self.words,
            "exit_status": self.status.code(),
            "signal": self.status.signal(),
            "entry_points": entries
                .map(|line| json!({
                    "name": line.name,
                    "calls": line.calls,
                    "found_by_dlsym": line.by_dlsym,
                    "found_by_driver": line.by_driver,
                    "how": kind_name(line.kind),
                }))
                .collect::<Vec<_>>(),
            "tables": self.report.tables.iter()
                .map(|table| json!({
                    "uuid": uuid(table.uuid), "asked": table.asked, "granted": table.granted,
                }))
                .collect::<Vec<_>>(),
        })
    }
}

fn is_looked_up(line: &Line) -> bool {
    line.by_dlsym > 0 || line.by_driver > 0
}

/// By which path a program came to an entry point.
pub fn found_by(line: &Line) -> &'static str {
    match (line.by_dlsym > 0, line.by_driver > 0) {
        (true, true) => "both",
        (true, false) => "dlsym",
        (false, true) => "driver",
        (false, false) => "linked",
    }
}

fn what_is_done(kind: Kind) -> &'static str {
    match kind {
        Kind::Body => "rule",
        Kind::Row => "no rule yet",
        Kind::Forwarded => "forwards",
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
        Line { name: name.into(), kind: Kind::Body, calls, by_dlsym, by_driver }
    }

    fn calls(entries: Vec<Line>) -> Calls {
        let tables = vec![Table { uuid: *b"0123456789abcdef", asked: 2, granted: 1 }];
        let report = Report { entries, tables };
        Calls { words: vec!["prog".into()], status: ExitStatus::from_raw(0), warnings: vec![], report }
    }

    #[test]
    fn what_was_called_and_how_it_was_found() {
        let calls = calls(vec![
            line("cuFew", 1, 0, 0),
            line("cuMany", 20, 1, 1),
            line("cuIdle", 0, 1, 0),
            line("cuNever", 0, 0, 0),
        ]);
        let text = calls.text();
        assert!(text.find("cuMany") < text.find("cuFew"), "most calls first:\n{text}");
        assert!(text.contains("looked up and not called: 1\n    cuIdle\n"), "{text}");
        assert!(text.contains("30313233-3435-3637-3839-616263646566  asked 2, granted 1"), "{text}");
        assert!(!text.contains("cuNever") && text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(calls.json()["entry_points"].as_array().unwrap().len(), 3);
        assert!(calls.checks().iter().all(|check| check.severity == Severity::Ok));
    }

    #[test]
    fn a_command_nobody_saw_and_one_that_failed_are_warned_of() {
        let mut calls = calls(vec![line("cuNever", 0, 0, 0)]);
        calls.status = ExitStatus::from_raw(9);
        calls.warnings.push("static".into());
        assert!(calls.checks().iter().all(|check| check.severity == Severity::Warn));
        assert!(calls.checks()[0].found.ends_with("signal 9"));
    }

    #[test]
    fn paths_to_an_entry_point() {
        let by = |by_dlsym, by_driver| found_by(&line("x", 1, by_dlsym, by_driver));
        assert_eq!([by(0, 0), by(1, 0), by(0, 1), by(1, 1)], ["linked", "dlsym", "driver", "both"]);
    }
}
