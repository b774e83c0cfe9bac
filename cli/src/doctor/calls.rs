//! A command run under the preload with a tally of its own, and whether it was seen.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use cuota_core::tally::Report;
use serde_json::{Value, json};

use super::called::{self, called, only_looked_up};
use super::check::{Check, Severity};
use crate::command::Failure;
use crate::native::system;
use crate::run;
use crate::scratch::Scratch;
use crate::screen::count;

const REACHED: &str = "Start a program that a preload reaches: linked dynamically to glibc, for this machine, without rights of its own; with one cuota in LD_PRELOAD.";

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
        system::outlive_interrupt();
        let scratch = Scratch::new()?;
        let tally = scratch.path().join("tally");
        let mut warnings = Vec::new();
        let mut command =
            run::prepared(words, library, &mut |text| warnings.push(text.to_owned()))?;
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

    pub fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.ended(), self.seen()];
        checks.extend(self.escaped());
        checks.extend(self.warnings.iter().map(|warning| {
            Check::ok("reach", "what is not preloaded is not seen", warning.clone())
                .worse(Severity::Warn, REACHED)
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
        check.worse(
            Severity::Warn,
            "See what the command itself says; run it without cuota to compare.",
        )
    }

    fn seen(&self) -> Check {
        let calls: u64 = called(&self.report).map(|line| line.calls).sum();
        let found = format!(
            "{calls} calls of {}, {} others only looked up; {} asked for",
            count(called(&self.report).count(), "entry point"),
            only_looked_up(&self.report).count(),
            count(self.report.tables.len(), "private table")
        );
        let check =
            Check::ok("calls", "a program that cuota does not see is not accounted for", found);
        if calls > 0 || only_looked_up(&self.report).next().is_some() {
            return check;
        }
        check.worse(
            Severity::Warn,
            "Nothing was seen: the command uses no CUDA, or it reaches the driver where cuota cannot follow (a static program, another container, a cleared environment).",
        )
    }

    /// Functions handed out that nobody stands before.
    fn escaped(&self) -> Option<Check> {
        let escaped = usize::try_from(self.report.untranslated).unwrap_or(usize::MAX);
        let check = Check::ok(
            "escaped",
            "calls of what cuota does not know pass it by, uncounted and unlimited",
            format!(
                "{} of cuGetProcAddress were of functions unknown to cuota",
                count(escaped, "answer")
            ),
        );
        (escaped > 0).then(|| {
            check.worse(Severity::Warn, "Update cuota. The check `uncovered` has the names.")
        })
    }

    pub fn text(&self) -> String {
        called::text(&self.report)
    }

    pub fn json(&self) -> Value {
        json!({
            "argv": self.words,
            "exit_status": self.status.code(),
            "signal": self.status.signal(),
            "escaped": self.report.untranslated,
            "entry_points": called::entry_points(&self.report),
            "tables": called::tables(&self.report),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cuota_core::tally::{Kind, Line};

    fn calls(calls: u64, by_dlsym: u64) -> Calls {
        let line =
            Line { name: "cuX".into(), kind: Kind::Row, calls, by_dlsym, by_driver: 0, asked: 0 };
        Calls {
            words: vec!["prog".into()],
            status: ExitStatus::from_raw(0),
            warnings: vec![],
            report: Report { entries: vec![line], ..Report::default() },
        }
    }

    fn all(calls: &Calls, severity: Severity) -> bool {
        calls.checks().iter().all(|check| check.severity == severity)
    }

    #[test]
    fn a_command_that_was_seen_is_well() {
        assert!(all(&calls(1, 0), Severity::Ok) && all(&calls(0, 1), Severity::Ok));
    }

    #[test]
    fn one_that_nobody_saw_failed_or_escaped_is_warned_of() {
        let mut calls = calls(0, 0);
        calls.status = ExitStatus::from_raw(9);
        calls.warnings.push("static".into());
        calls.report.untranslated = 1;
        assert!(all(&calls, Severity::Warn));
        assert_eq!(calls.checks().len(), 4);
        assert!(calls.checks()[0].found.ends_with("signal 9"));
    }
}
