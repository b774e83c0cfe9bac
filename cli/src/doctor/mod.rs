//! `cuota doctor`: whether cuota works here, and what of the driver it covers.
#![forbid(unsafe_code)]

mod answers;
pub mod ask;
mod books;
mod called;
mod calls;
mod check;
mod cleaners;
mod container;
mod coverage;
mod devices;
mod directories;
mod dmem;
mod members;
mod mps;
mod place;
mod probe;
mod process;
mod shares;
mod versions;

use std::env;
use std::ffi::OsString;

use clap::Args;
use serde_json::json;

use crate::command::Failure;
use crate::ps::json::escaped;
use crate::screen;
use calls::Calls;
use check::{Check, worst};
use coverage::Coverage;
use mps::Here;
use place::Place;

pub use probe::answer as probe;

pub const ABOUT: &str = "\
Check that cuota works here, and which driver functions it covers.

Each check has a name, a severity, what was found and, where something is not
well, why it matters and what to do. What could not be looked at is unknown,
never ok. With a command, the command is run with cuota before its driver, and
what it called is reported. With a PID, that process is looked at instead: whether
the library is in it and in front, what it was told, and whether it uses a GPU
that its ledger does not know of.

Of this machine:
  settings library preload driver cuinit    the library is found, loaded and works
  coverage uncovered lacking                it knows this driver's functions
  versions too-old arch compute-mode        driver, daemon and devices fit together
  dmem                                      the kernel limits device memory too
  mps mps-client mps-user mps-clients       MPS: a daemon answers, has us, lets us in
  mps-code                                  what of a program's code it may refuse
  mps-dir mps-lock mps-pid mps-place        its directory and files
  mps-env mps-path                          how it was started
  mps-asker mps-second mps-left             who else of MPS runs
  mps-names mem-limit                       MPS's own variables
  places ledgers shares replicas container  where ledgers are, who is in them
Of a command: command calls escaped reach. Of a process: process library preload
reach settings member mps-client.

Coverage is a count of names: each function of this machine's own driver is
hooked (cuota acts on the call), forwarded (passed on unseen, for a reason that
--coverage gives) or unknown to this cuota.

Exit status:
  0    every check is ok, or for information only
  1    the worst is a warning, or something that could not be looked at
  2    the worst is an error: cuota or CUDA does not work here
  125  cuota itself failed; 126, 127: the command could not be run";

#[derive(Args)]
pub struct Options {
    /// List every function, or with a command what it called
    #[arg(long)]
    coverage: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// A process that runs, to look at instead of this machine
    #[arg(conflicts_with = "coverage", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// A command to run and report on (needs --coverage)
    #[arg(value_name = "CMD", last = true, requires = "coverage")]
    command: Vec<OsString>,
}

pub fn examine(options: Options) -> Result<u8, Failure> {
    let findings = match options.pid {
        Some(pid) => Findings { checks: process::checks(pid)?, ..Findings::default() },
        None => machine(&options)?,
    };
    let Findings { checks, coverage, calls } = findings;
    let worst = worst(&checks);
    if options.json {
        let report = json!({
            "cuota": env!("CARGO_PKG_VERSION"),
            "worst": worst.name(),
            "checks": checks.iter().map(Check::json).collect::<Vec<_>>(),
            "coverage": coverage.map(|coverage| coverage.json()),
            "command": calls.map(|calls| calls.json()),
        });
        screen::print(&escaped(&format!("{report:#}\n")));
        return Ok(worst.status());
    }
    let mut text: String = checks.iter().map(Check::text).collect();
    // With a command the question is what *it* did; the driver's whole list would bury that.
    match calls {
        Some(calls) => text += &calls.text(),
        None => text += &coverage.map(|coverage| coverage.text()).unwrap_or_default(),
    }
    text += &format!("\nworst: {} (exit status {})\n", worst.name(), worst.status());
    screen::print(&text);
    Ok(worst.status())
}

#[derive(Default)]
struct Findings {
    checks: Vec<Check>,
    /// If it was asked for.
    coverage: Option<Coverage>,
    calls: Option<Calls>,
}

fn machine(options: &Options) -> Result<Findings, Failure> {
    let Place { mut checks, library, told, coverage } = place::look()?;
    let here = Here::look();
    checks.extend(versions::checks(&told, &here));
    checks.extend(devices::checks(&told, &here));
    checks.push(dmem::check(&told));
    checks.extend(mps::checks(&here, &told));
    checks.extend(directories::checks(&here));
    checks.extend(books::checks(&told, &here));
    let calls = match library {
        Some(library) if !options.command.is_empty() => {
            Some(Calls::of(&options.command, &library, options.json)?)
        }
        None if !options.command.is_empty() => {
            let why = "what it calls can be seen only from the library";
            checks.push(Check::not_looked_at("command", why, "not run, it needs the library"));
            None
        }
        _ => None,
    };
    checks.extend(calls.iter().flat_map(Calls::checks));
    Ok(Findings { checks, coverage: coverage.filter(|_| options.coverage), calls })
}
