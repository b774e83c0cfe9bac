//! `cuota mps stop`.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};

use super::{NOT_SO, PAUSE, SOON, STOPPED, Where, ask, known_holder, mode};
use crate::command::Failure;
use crate::export::textfile;
use crate::{screen, times};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    /// How long its clients may go on before they are ended: 0s, 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = times::duration)]
    within: Duration,
}

/// Looks at whether it is gone, for each time that it is told to go.
const TRIES: u32 = 25;

pub fn stop(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let runs = match look(&place, PATIENCE) {
        Daemon::Answers => true,
        Daemon::NoDirectory | Daemon::NoSocket | Daemon::Stale
            if known_holder(&place).is_none() =>
        {
            false
        }
        found => return Err(Failure { status: NOT_SO, text: found.in_words(&place) }),
    };
    if runs {
        end(&place, options.within)?;
        screen::print(&format!("stopped; nobody listens in {} any more\n", place.display()));
    } else {
        screen::print(&format!("no daemon runs in {}\n", place.display()));
    }
    // Also of a daemon that has died.
    for restored in mode::restore(&place)? {
        screen::print(&format!("{restored}\n"));
    }
    Ok(0)
}

/// Ends a daemon that answers, and waits until it is gone.
pub fn end(place: &Path, within: Duration) -> Result<(), Failure> {
    let quit = format!("quit -t {}", within.as_secs());
    // Before it is gone: whoever watches it must not take it for dead.
    let _ = textfile::write(&place.join(STOPPED), "");
    let end = Instant::now() + within + SOON;
    loop {
        // What it says is for nobody: it may say that it failed and have gone, or nothing, and not have
        // listened, for it was talking to somebody else.
        let said = ask::tell(place, &quit, within + SOON);
        for _ in 0..TRIES {
            if known_holder(place).is_none() && !matches!(look(place, PATIENCE), Daemon::Answers) {
                // It leaves its sockets, which look to a client as if it were there.
                for socket in ["control", "control_privileged"] {
                    let _ = fs::remove_file(place.join(socket));
                }
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
        if Instant::now() > end {
            let _ = fs::remove_file(place.join(STOPPED));
            let why = said.err().map_or(String::new(), |why| format!(": {why}"));
            let text = format!("the daemon of {} has not ended{why}", place.display());
            return Err(Failure { status: NOT_SO, text });
        }
    }
}
