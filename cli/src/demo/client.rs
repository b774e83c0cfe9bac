//! One client of the demo: a small CUDA program. It tells its parent what it sees and, at the end,
//! how often it called each function.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};

use clap::{Args, ValueEnum};

use crate::command::Failure;
use crate::native::driver::{Driver, Lookup, Refused};

const PTX: &std::ffi::CStr = c"
.version 6.0
.target sm_50
.address_size 64
.visible .entry nothing() { ret; }
";

const LAUNCHES: u32 = 100;
const PIECES: usize = 3;

#[derive(Args)]
pub struct Options {
    lookup: Word,
    /// GiB to hold
    gib: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Word {
    Dlsym,
    Driver,
}

pub fn run(options: Options) -> Result<u8, Failure> {
    let lookup = match options.lookup {
        Word::Dlsym => Lookup::Dlsym,
        Word::Driver => Lookup::ProcAddress,
    };
    let driver = Driver::open(lookup).map_err(Failure::ours)?;
    let worked =
        work(&driver, options.gib << 30).map_err(|refused| Failure::ours(refused.to_string()));
    // Told in any case: what was called before a failure was called.
    for (name, calls) in driver.calls() {
        tell(format_args!("called {name} {calls}"));
    }
    worked?
        .then_some(0)
        .ok_or_else(|| Failure::ours("what was copied back is not what was copied in"))
}

/// Whether what was copied to the card came back as it was.
fn work(driver: &Driver, bytes: usize) -> Result<bool, Refused> {
    driver.init()?;
    let context = driver.create_context(&driver.device(0)?)?;
    let mut held = Vec::new();
    for _ in 0..PIECES {
        held.push(driver.alloc(bytes / PIECES)?);
    }
    rendezvous("holding");
    let (free, total) = driver.memory()?;
    tell(format_args!("sees {free} {total}"));
    let (pattern, mut back) = ([0x5a; 4096], [0; 4096]);
    for memory in &held {
        driver.copy_in(memory, &pattern)?;
        driver.copy_out(&mut back, memory)?;
    }
    let module = driver.load(PTX)?;
    driver.launch(&module, c"nothing", LAUNCHES)?;
    driver.unload(module)?;
    rendezvous("seen");
    for memory in held {
        driver.free(memory)?;
    }
    driver.destroy_context(context)?;
    Ok(back == pattern)
}

/// Waits until the other client is as far: the parent answers both when both have said so.
fn rendezvous(place: &str) {
    tell(place);
    let _ = io::stdin().lock().read_line(&mut String::new());
}

fn tell(what: impl std::fmt::Display) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
