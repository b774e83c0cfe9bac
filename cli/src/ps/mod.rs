//! `cuota ps`: the clients there are, what they hold, and their members.
#![forbid(unsafe_code)]

pub mod json;
mod table;

use std::path::PathBuf;

use clap::Args;

use crate::command::Failure;
use crate::ledgers::{self, Ledgers, NOT_AS_ASKED};
use crate::places::Places;
use crate::screen;

pub const ABOUT: &str = "\
List clients, what each holds of which device, and their members.

A client is listed once for each of its devices, with the members that hold
something there. Members that ended are left out, and what they held is not
counted. Ledgers are looked for in --dir, else in CUOTA_DIR, else in /run/cuota,
$XDG_RUNTIME_DIR/cuota and /tmp/cuota-<uid>. Nothing is changed.

Exit status:
  0    every ledger was read
  1    a ledger could not be read (the others are listed), or there is no CLIENT
  125  the directory could not be read, the output not written, or a bad option";

#[derive(Args)]
pub struct Options {
    /// This client only
    client: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn list(options: Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let found = Ledgers::read(&places, options.client.as_deref())?;
    let nothing = found.clients.is_empty() && found.unreadable.is_empty();
    if let Some(name) = options.client.filter(|_| nothing) {
        return Err(ledgers::no_such_client(&name, &places));
    }
    for unreadable in &found.unreadable {
        screen::complain(&unreadable.why);
    }
    if options.json {
        screen::print(&json::text(&places, &found));
    } else if found.clients.is_empty() {
        screen::print(&screen::wrapped("", &format!("no client in {}", places.text())));
    } else {
        screen::print(&table::text(&found.clients, own_pid_namespace()));
    }
    Ok(if found.unreadable.is_empty() { 0 } else { NOT_AS_ASKED })
}

/// The inode of the PID namespace we see pids in.
pub fn own_pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |found| found.ino())
}
