//! `cuota advise`: what each client needs of its quota, from what its ledger recorded.
#![forbid(unsafe_code)]

mod finding;
mod idle;
mod json;
mod size;
mod table;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{self, Ledgers, NOT_AS_ASKED};
use crate::places::Places;
use crate::{screen, times};
use finding::Finding;
use watch::Watch;

pub const ABOUT: &str = "\
Say what quota each client needs, from what its ledger recorded.

For each client and device: the most it ever held (PEAK) and what it held on
average since its ledger was made, beside its quota; a quota that would do (the
peak and 10 % more, in steps of 256 MiB; never less than the quota if requests
were refused, since the peak is then cut off); how many clients of this size
fit on the card; and since when it is idle, as far as the ledger tells.

Ledgers keep no percentiles. With --watch what is held is looked at for that
long, every second if --every says nothing else, and the 50th, 95th and 99th
percentile of these samples are told. SIGINT ends the watch early. Times are
such as 90s, 10m, 2h. Nothing is changed.

Exit status:
  0    every ledger was read
  1    a ledger could not be read (the others are reported), or there is no
       CLIENT
  125  the directory could not be read, the output not written, or a bad option";

#[derive(Args)]
pub struct Options {
    /// This client only
    client: Option<String>,
    /// Look at what is held for so long first
    #[arg(long, value_name = "DURATION", value_parser = times::duration)]
    watch: Option<Duration>,
    /// Time between two looks
    #[arg(long, value_name = "DURATION", value_parser = times::duration, requires = "watch")]
    every: Option<Duration>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn advise(options: Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let read = || Ledgers::read(&places, options.client.as_deref());
    let mut watch = Watch::default();
    if let Some(time) = options.watch {
        watch.go_on(time, options.every, || Ok(read()?.clients))?;
    }
    let found = read()?;
    let nothing = found.clients.is_empty() && found.unreadable.is_empty();
    if let Some(name) = options.client.as_deref().filter(|_| nothing) {
        return Err(ledgers::no_such_client(name, &places));
    }
    for unreadable in &found.unreadable {
        screen::complain(&unreadable.why);
    }
    let now = clock::wall_time();
    let findings: Vec<Finding> =
        found.clients.iter().map(|client| Finding::of(client, &watch, now)).collect();
    if options.json {
        screen::print(&json::text(&findings, &found.unreadable));
    } else if findings.is_empty() {
        screen::print(&screen::wrapped("", &format!("no client in {}", places.text())));
    } else {
        screen::print(&table::text(&findings, options.watch.is_some()));
    }
    Ok(if found.unreadable.is_empty() { 0 } else { NOT_AS_ASKED })
}
