//! One client of the demo: a small CUDA program that does what its parent says, line by line, and
//! tells what came of it. At the end it tells how often it called each function.
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

#[derive(Args)]
pub struct Options {
    lookup: Word,
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
    let worked = work(&driver).map_err(|refused| Failure::ours(refused.to_string()));
    // Told in any case: what was called before a failure was called.
    for (name, calls) in driver.calls() {
        tell(format_args!("called {name} {calls}"));
    }
    worked.map(|()| 0)
}

/// `take BYTES` keeps memory, and answers if there is none. `serve BYTES` is a request: it needs
/// memory for a moment, and without it the program ends. `look` is how large the card looks.
fn work(driver: &Driver) -> Result<(), Refused> {
    driver.init()?;
    let context = driver.create_context(&driver.device(0)?)?;
    tell("ready");
    let mut held = Vec::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let (what, bytes) = line.split_once(' ').unwrap_or((&line, ""));
        let bytes = bytes.parse().unwrap_or(0);
        match what {
            "take" => match driver.alloc(bytes) {
                Ok(memory) => {
                    held.push(memory);
                    tell("done");
                }
                Err(refused) => tell(format_args!("refused {refused}")),
            },
            "look" => tell(format_args!("sees {}", driver.memory()?.1)),
            _ => match serve(driver, bytes) {
                Ok(right) => tell(if right { "done" } else { "wrong" }),
                Err(refused) => {
                    tell(format_args!("refused {refused}"));
                    return Err(refused);
                }
            },
        }
    }
    for memory in held {
        driver.free(memory)?;
    }
    driver.destroy_context(context)
}

/// Whether what was copied to the card came back as it was.
fn serve(driver: &Driver, bytes: usize) -> Result<bool, Refused> {
    let memory = driver.alloc(bytes)?;
    let (pattern, mut back) = ([0x5a; 4096], [0; 4096]);
    driver.copy_in(&memory, &pattern)?;
    let module = driver.load(PTX)?;
    driver.launch(&module, c"nothing", 1)?;
    driver.unload(module)?;
    driver.copy_out(&mut back, &memory)?;
    driver.free(memory)?;
    Ok(back == pattern)
}

fn tell(what: impl std::fmt::Display) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
