//! `cuota gc`: ledgers that nobody is in are closed and removed.
#![forbid(unsafe_code)]

mod collect;
mod keep;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::bill::json::epoch_text;
use crate::command::Failure;
use crate::ledgers::NOT_AS_ASKED;
use crate::places::Places;
use crate::ps::json::escaped;
use crate::screen;
pub use collect::{Collected, Removed, collect};

pub const ABOUT: &str = "\
Close and remove ledgers that nobody is in.

A ledger goes if no process of its client runs and nothing has happened in it for
a while, or if it is of an earlier start of the machine. First its closing bill
is written to bills/<client>.<epoch>.json beside it, where `cuota bill` finds it.
A process that starts at that moment begins a new ledger.

Exit status:
  0    all was looked at, and what was to go is gone
  1    a ledger could not be read or removed (the others were)
  125  the directory could not be read, or a bad option";

#[derive(Args)]
pub struct Options {
    /// How long nothing must have happened in it: 90s, 30m, 2h, 7d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    older: Duration,
    /// Say what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn gc(options: Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let done = collect(&places, options.older, options.dry_run)?;
    for why in &done.failed {
        screen::complain(why);
    }
    if options.json {
        screen::print(&machine(&done, options.dry_run));
    } else {
        done.removed.iter().for_each(|removed| screen::print(&said(removed, options.dry_run)));
    }
    Ok(if done.failed.is_empty() { 0 } else { NOT_AS_ASKED })
}

fn machine(done: &Collected, dry_run: bool) -> String {
    let one = |removed: &Removed| {
        json!({
            "client": removed.client,
            "epoch": epoch_text(removed.epoch),
            "file": removed.file.to_string_lossy(),
            "bill": removed.bill.to_string_lossy(),
        })
    };
    let value = json!({
        "dry_run": dry_run,
        "removed": done.removed.iter().map(one).collect::<Vec<_>>(),
        "failed": done.failed,
    });
    escaped(&format!("{value:#}\n"))
}

fn said(removed: &Removed, dry_run: bool) -> String {
    let what = if dry_run { "would be removed" } else { "removed" };
    let bill = screen::plain(&removed.bill.to_string_lossy());
    format!("{} {what}; its closing bill: {bill}\n", removed.client)
}

/// A whole number and its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let unit = match text.get(digits.len()..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 60 * 60,
        Some("d") => 24 * 60 * 60,
        _ => return Err("a number and s, m, h or d, such as 30m".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "a whole number before the unit".to_owned())?;
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "5", "1.5h", "-1h", "1w", "1 h", "5µ"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
