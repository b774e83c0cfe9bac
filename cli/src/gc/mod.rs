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
use crate::times;
pub use collect::{Collected, Removed, collect};

pub const ABOUT: &str = "\
Close and remove ledgers that nobody is in.

A ledger goes if no process of its client runs and nothing has happened in it for
a while, or if it is of an earlier start of the machine. First its closing bill
is written to bills/<client>.<epoch>.json beside it, where `cuota bill` finds it.
A process that starts at that moment begins a new ledger. Where a group shares
the directory (mode 3770), it shares bills/ too, and each user's ledgers are
closed by that user, or by the owner of the directory.

Exit status:
  0    all was looked at, and what was to go is gone
  1    a ledger could not be read or removed (the others were)
  125  the directory could not be read, the output not written, or a bad option";

#[derive(Args)]
pub struct Options {
    /// How long nothing must have happened in it: 90s, 30m, 2h, 7d
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = times::duration)]
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
    for why in done.unreadable.iter().chain(&done.failed) {
        screen::complain(why);
    }
    if options.json {
        screen::print(&machine(&done, options.dry_run));
    } else {
        done.removed.iter().for_each(|removed| screen::print(&said(removed, options.dry_run)));
    }
    let all = done.unreadable.is_empty() && done.failed.is_empty();
    Ok(if all { 0 } else { NOT_AS_ASKED })
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
        "failed": done.unreadable.iter().chain(&done.failed).collect::<Vec<_>>(),
    });
    escaped(&format!("{value:#}\n"))
}

fn said(removed: &Removed, dry_run: bool) -> String {
    let what = if dry_run { "would be removed" } else { "removed" };
    let bill = screen::plain(&removed.bill.to_string_lossy());
    format!("{} {what}; its closing bill: {bill}\n", removed.client)
}
