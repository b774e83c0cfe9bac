//! `cuota top`: clients and what they do, as it changes.
#![forbid(unsafe_code)]

mod cells;
mod columns;
mod detail;
mod draw;
mod events;
mod json;
mod plain;
mod rows;
mod state;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use clap::Args;
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{self, NOT_AS_ASKED};
use crate::places::Places;
use crate::{ps, screen};
use columns::Column;
use rows::Sample;

pub const ABOUT: &str = "\
Watch clients: what each holds of which device, launches, copies and was refused.

Keys are shown at the bottom, and by ? all of them. Rates are those of the last
interval, and shown once there was one. BYTE-HOURS is what was held, times how
long, since the ledger began. With --json, one object a line for each interval.
Ledgers are looked for as by `cuota ps`. Nothing is changed.

Exit status:
  0    every ledger was read, or the table was left
  1    with --once: a ledger could not be read (the others are listed), or there
       is no CLIENT
  125  the directory could not be read, the output not written, no terminal, or a
       bad option";

#[derive(Args)]
pub struct Options {
    /// This client only
    client: Option<String>,
    /// Print the table once
    #[arg(long)]
    once: bool,
    /// With --once: look twice, an interval apart, and show rates too
    #[arg(long, requires = "once")]
    rates: bool,
    /// Print JSON: one object with --once, else one a line
    #[arg(long)]
    json: bool,
    /// Seconds between looks
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    interval: Duration,
    /// Sort by this column
    #[arg(long, value_name = "COLUMN", default_value = "used")]
    sort: Column,
    /// With --once: columns of the text, else those of the terminal, or 80
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(20..=1000))]
    width: Option<u16>,
    /// No colour, as with NO_COLOR
    #[arg(long)]
    no_color: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn watch(options: Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let client = options.client.as_deref();
    let look = || Sample::take(&places, client);
    if !options.once && !options.json {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return Err(Failure::ours("there is no terminal to show a table on: --once or --json"));
        }
        let watch = terminal::Watch {
            look: &look,
            interval: options.interval,
            pid_namespace: ps::own_pid_namespace(),
            style: draw::Style::of(options.no_color),
        };
        return terminal::show(&watch, state::State::new(options.sort));
    }
    let mut sample = look()?;
    let nothing = sample.rows.is_empty() && sample.unreadable.is_empty();
    if let Some(name) = client.filter(|_| nothing) {
        return Err(ledgers::no_such_client(name, &places));
    }
    if !options.once {
        return print_on(&places, sample, &look, options.interval);
    }
    if options.rates {
        thread::sleep(options.interval);
        sample = again(&sample, &look)?;
    }
    let status = if sample.unreadable.is_empty() { 0 } else { NOT_AS_ASKED };
    if options.json {
        screen::print(&json::line(&places, &sample, clock::wall_time()));
    } else if nothing {
        screen::print(&screen::wrapped("", &format!("no client in {}", places.text())));
    } else {
        let width = options.width.map_or_else(width, usize::from);
        screen::print(&plain::text(sample, options.sort, options.rates, width));
    }
    Ok(status)
}

fn again(earlier: &Sample, look: &dyn Fn() -> Result<Sample, Failure>) -> Result<Sample, Failure> {
    let mut sample = look()?;
    sample.compare(earlier);
    Ok(sample)
}

/// A line for each interval, for as long as somebody reads.
fn print_on(
    places: &Places,
    mut sample: Sample,
    look: &dyn Fn() -> Result<Sample, Failure>,
    interval: Duration,
) -> Result<u8, Failure> {
    loop {
        let line = json::line(places, &sample, clock::wall_time());
        let mut out = io::stdout().lock();
        if !screen::arrived(out.write_all(line.as_bytes()).and_then(|()| out.flush())) {
            return Ok(0);
        }
        drop(out);
        thread::sleep(interval);
        sample = again(&sample, look)?;
    }
}

/// The terminal's, if it is one that is written to.
fn width() -> usize {
    let asked = io::stdout().is_terminal().then(ratatui::crossterm::terminal::size);
    match asked {
        Some(Ok((columns @ 20.., _))) => columns.into(),
        _ => screen::WIDTH,
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match seconds {
        0.1..=86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("between 0.1 and 86400 seconds".to_owned()),
    }
}
