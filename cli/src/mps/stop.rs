//! `cuota mps stop`.
#![forbid(unsafe_code)]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};

use super::{NOT_SO, PAUSE, SOON, STOPPED, Where, ask, known_holder};
use crate::command::Failure;
use crate::{screen, times};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    /// How long its clients may go on before they are ended: 0s, 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = times::duration)]
    within: Duration,
}

pub fn stop(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let not_so = |text: String| Failure { status: NOT_SO, text };
    match look(&place, PATIENCE) {
        Daemon::Answers => {}
        Daemon::NoDirectory | Daemon::NoSocket | Daemon::Stale
            if known_holder(&place).is_none() =>
        {
            screen::print(&format!("no daemon runs in {}\n", place.display()));
            return Ok(0);
        }
        found => return Err(not_so(found.in_words(&place))),
    }
    let quit = format!("quit -t {}", options.within.as_secs());
    // Before it is gone: whoever watches it must not take it for dead.
    let _ = fs::write(place.join(STOPPED), "");
    // What it says is for nobody: it may say that it failed and have gone.
    let said = ask::ask(&place, &quit, options.within + SOON);
    let end = Instant::now() + options.within + SOON;
    while known_holder(&place).is_some() || matches!(look(&place, PATIENCE), Daemon::Answers) {
        if Instant::now() > end {
            let _ = fs::remove_file(place.join(STOPPED));
            let why = said.err().map_or(String::new(), |why| format!(": {why}"));
            return Err(not_so(format!("the daemon of {} has not ended{why}", place.display())));
        }
        thread::sleep(PAUSE);
    }
    // It leaves its sockets, which look to a client as if it were there.
    for socket in ["control", "control_privileged"] {
        let _ = fs::remove_file(place.join(socket));
    }
    screen::print(&format!("stopped; nobody listens in {} any more\n", place.display()));
    Ok(0)
}
