//! `cuota demo`: a leaking program and its neighbour on one simulated card, without quotas and with.
#![forbid(unsafe_code)]

mod acts;
mod client;
mod count;
mod player;

use std::path::PathBuf;

use clap::Args;

use crate::command::Failure;
use crate::native::system;
use crate::scratch::Scratch;
use crate::screen::{self, print, wrapped};
use crate::{library, simulator};
use acts::Missed;
use player::Stage;

pub use client::{Options as ClientOptions, run as client};

pub const ABOUT: &str = "\
Show a neighbour saved from an out-of-memory; needs no GPU.

Two programs share one simulated card. One leaks memory, the other needs some
for every request. Without quotas the second one dies; with quotas the first is
refused at its own, and goes on when that is raised. The card is simulated; the
library, the ledgers and the commands are the real ones.

Exit status: 0 if all of that was observed, 1 if not, 125 if the demo did not
run or its output could not be written.";

/// Bytes of the simulated card.
const CARD: u64 = 16 << 30;

#[derive(Args)]
pub struct Options {
    /// The simulated driver [default: sim/libcuda.so.1 beside this command]
    #[arg(long, value_name = "FILE")]
    sim: Option<PathBuf>,
}

pub fn show(options: Options) -> Result<u8, Failure> {
    let driver = simulator::find(options.sim)?;
    let library = library::find()?;
    system::outlive_interrupt();
    let scratch = Scratch::new()?;
    let stage =
        |act| Stage { driver: &driver, library: &library, scratch: scratch.path().join(act) };
    print(&wrapped(
        "",
        "cuota demo: two programs on one simulated card of 16 GiB. hungry leaks 1 GiB at a time; server needs 2 GiB for each request.",
    ));
    print("\n");
    let mut missed = Missed::default();
    let played =
        acts::without(&stage("1"), &mut missed).and_then(|()| acts::with(&stage("2"), &mut missed));
    let Missed(missed) = missed;
    if missed.is_empty() {
        played?;
        let all =
            "All of this was observed, on a simulated card: nothing here is said about a GPU.";
        print(&wrapped("", all));
        return Ok(0);
    }
    for what in missed {
        print(&wrapped("NOT AS IT SHOULD BE: ", what));
    }
    if let Err(failure) = played {
        screen::complain(&failure.text);
    }
    print("Please report this with all of the above.\n");
    Ok(1)
}
