//! `cuota events`: what happened to clients, from the rings of their ledgers.
#![forbid(unsafe_code)]

mod batch;
mod facts;
mod json;
mod source;
mod sources;
mod words;

pub use words::what;

use std::io::{BufWriter, Stdout, Write, stdout};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use cuota_core::book::Kind;
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{self, NOT_AS_ASKED};
use crate::native::{stop, system};
use crate::places::Places;
use crate::{screen, times};
use batch::{Batch, MOST, Record, Wanted};
use sources::Sources;

pub const ABOUT: &str = "\
Print what happened to clients: who came and went, what was allocated, freed
and refused, and other limits. Everything that the ledgers still know, merged
by time; they keep the newest events of each client (CUOTA_RING), and of
allocations and frees only those of 1 MiB or more.

With -f the last 10 come first (-n says otherwise), then whatever happens, also
to clients that come later, until SIGINT, SIGTERM or the end of who reads it.
What was overwritten before it could be read is said: \"lost 120 events\".

TIME is local (14:30, 2026-01-31, \"2026-01-31 14:30:00\"), DURATION a time ago
(90s, 10m, 2h, 7d). With --json each event is one line; bytes, and nanoseconds
since boot (boot_ns) and since 1970 (unix_ns), are raw numbers.

Exit status:
  0    every ledger was read
  1    a ledger could not be read (the others' events are printed), or there is
       no CLIENT
  125  the directory could not be read, the output not written, or a bad option";

/// Looks in a second are a compromise of delay and work.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
const FIRST_WHEN_FOLLOWING: usize = 10;

#[derive(Args)]
pub struct Options {
    /// This client only
    client: Option<String>,
    /// Go on with what happens from now on
    #[arg(short, long)]
    follow: bool,
    /// The newest so many only
    #[arg(short = 'n', long, value_name = "COUNT")]
    newest: Option<usize>,
    /// Not what happened before
    #[arg(long, value_name = "DURATION|TIME", value_parser = since)]
    since: Option<u64>,
    /// These only, with commas between
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = kinds())]
    kind: Vec<Kind>,
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn since(text: &str) -> Result<u64, String> {
    times::since(text, clock::wall_time())
}

/// A kind as a value of an option or in JSON: one word.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::ContextCreated => "context_created",
        Kind::ContextDestroyed => "context_destroyed",
        Kind::LimitChanged => "limit_changed",
        Kind::ShareGranted => "share_granted",
        other => other.name(),
    }
}

fn kinds() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(name_of)).map(|name| {
        Kind::ALL.into_iter().find(|kind| name_of(*kind) == name).unwrap_or(Kind::Joined)
    })
}

pub fn show(options: Options) -> Result<u8, Failure> {
    let (client, follow) = (options.client.as_deref(), options.follow);
    let keep = options.newest.unwrap_or(if follow { FIRST_WHEN_FOLLOWING } else { MOST });
    let wanted = Wanted { since: options.since.unwrap_or(0), kinds: options.kind };
    let mut printer = Printer { json: options.json, width: 0, out: BufWriter::new(stdout()) };
    let mut batch = Batch::new(keep.min(MOST), wanted);
    let mut sources = Sources::new(options.dir.clone(), client, follow);
    if follow {
        stop::by_signal();
        system::open_many_files();
    }
    sources.look(&mut batch)?;
    if let Some(name) = client.filter(|_| sources.found_nothing()) {
        let places = Places::of(options.dir.as_deref())?;
        if !follow {
            return Err(ledgers::no_such_client(name, &places));
        }
        screen::warn(&format!("there is no client {name:?} in {} yet", places.text()));
    }
    if options.newest.is_none() && !follow && batch.left_out() > 0 {
        screen::warn(&format!(
            "{} older events are left out: name a client, or a time with --since",
            batch.left_out()
        ));
    }
    let mut read = printer.print(batch.take(MOST));
    while follow && read {
        let goes_on = stop::wait(BETWEEN_LOOKS);
        sources.look_again(!goes_on, &mut batch);
        read = printer.print(batch.take(MOST)) && goes_on;
    }
    Ok(if sources.refused() && !follow { NOT_AS_ASKED } else { 0 })
}

struct Printer {
    json: bool,
    /// Of the widest client yet.
    width: usize,
    out: BufWriter<Stdout>,
}

impl Printer {
    /// False if nobody reads any more, or it cannot be written.
    fn print(&mut self, records: Vec<Record>) -> bool {
        let names = records.iter().map(|record| record.facts.client.len());
        self.width = names.fold(self.width, usize::max).min(words::WIDEST_NAME);
        let print = |record: &Record| {
            let line = if self.json { json::line(record) } else { words::line(record, self.width) };
            self.out.write_all(line.as_bytes())
        };
        let written = records.iter().try_for_each(print).and_then(|()| self.out.flush());
        screen::arrived(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_one_word_and_the_same_as_people_read() {
        for kind in Kind::ALL {
            assert_eq!(name_of(kind), kind.name().replace(' ', "_"));
        }
    }
}
