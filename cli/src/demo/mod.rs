//! `cuota demo`: two clients on one simulated card, and whether what they called, what cuota saw and
//! what the driver was asked are the same.
#![forbid(unsafe_code)]

mod client;
mod clients;
mod count;

use std::env;
use std::path::PathBuf;

use clap::Args;

use crate::command::Failure;
use crate::library;
use crate::native::system;
use crate::scratch::Scratch;
use crate::screen::{print, wrapped};
use clients::Clients;
use count::Counts;

pub use client::{Options as ClientOptions, run as client};

pub const ABOUT: &str = "\
Show two clients on a simulated card; needs no GPU.

Two programs share one simulated card at the same time. One finds the driver's
functions by dlsym, the other by asking cuGetProcAddress, as most frameworks do.
Each counts its own calls; cuota counts what passes it; the simulated driver
counts what reaches it. Equal counts mean that nothing got past cuota.

Exit status: 0 if all counts are equal, 1 if not, 125 if the demo did not run.";

#[derive(Args)]
pub struct Options {
    /// The simulated driver [default: sim/libcuda.so.1 beside this command]
    #[arg(long, value_name = "FILE")]
    sim: Option<PathBuf>,
}

pub fn show(options: Options) -> Result<u8, Failure> {
    let driver = simulator(options.sim)?;
    let library = library::find()?;
    system::outlive_interrupt();
    let scratch = Scratch::new()?;
    print("cuota demo: two programs share one simulated card\n\n");
    let clients = Clients::start(&driver, &library, scratch.path())?;
    let clients = clients.play()?;
    print(&clients.text());
    let counts = Counts::read(&clients, scratch.path())?;
    print(&counts.text());
    let equal = counts.equal();
    print(&wrapped(
        "",
        if equal {
            "Equal in every row: each call passed through cuota once, and reached the driver once, by whichever path it was found. That is all this shows: quotas come later, and the card is simulated, so nothing here is said about a GPU."
        } else {
            "NOT EQUAL in the rows marked with *: calls got past cuota or were lost. Please report this with the table."
        },
    ));
    Ok(if equal { 0 } else { 1 })
}

fn simulator(told: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let beside = || env::current_exe().ok()?.parent().map(|it| it.join("sim/libcuda.so.1"));
    let path = told.or_else(beside).unwrap_or_default();
    let path = std::path::absolute(&path).unwrap_or(path);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::ours(format!(
        "the simulated driver is not there:\n{}\nBuild it (`make build`) and run the demo from the build (`make demo`), or name it with --sim.",
        path.display()
    )))
}
