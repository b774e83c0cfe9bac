//! `cuota chaos`: trouble for clients of a scratch MPS, and whom it reaches.
#![forbid(unsafe_code)]

mod client;
mod clients;
mod fault;
mod machine;
mod oom;
mod process;
mod radius;
mod server;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use cuota_core::mps::{Daemon, PATIENCE, PIPES, directory, look};
use serde_json::json;

use crate::command::Failure;
use crate::native::stop;
use crate::ps::json::escaped;
use crate::scratch::Scratch;
use crate::screen::{print, wrapped};
use crate::{library, simulator};
use machine::{Machine, Plan};
use radius::Radius;

pub use client::run as client;

pub const ABOUT: &str = "\
Make trouble for clients of a scratch MPS, and show whom it reaches.

Starts neighbours and one client that makes trouble, and prints what was observed:
what the driver told each, who lives, whose work the ledgers say it was, and when
a new client could start. The card is simulated; with --gpu it is the real one,
under an MPS daemon started for the drill in a temporary directory and stopped
after it. Another's daemon is never touched: where one runs, --gpu refuses.

Drills:
  oom      a client goes to its quota, and beyond: nobody else notices
  fault    a client's work faults: all lose the device; with CUOTA_ON_FAULT=keep
           new clients hear 807 until all have ended, with exit all end with 75
  server   the MPS server is killed: all lose the device, by nobody's work
  clients  the server has all the clients it can have: one more hears 808

Exit status:
  0    what was observed is what is promised
  1    it is not
  125  the drill could not be run, the output not written, or a bad option
  126, 127  nvidia-cuda-mps-control could not be run, or is not there (--gpu)";

#[derive(Args)]
pub struct Options {
    #[arg(value_enum, default_value = "all")]
    drill: Drill,
    /// How many others there are
    #[arg(long, value_name = "COUNT", default_value = "2", value_parser = clap::value_parser!(u8).range(1..=32))]
    neighbours: u8,
    /// A setting of cuota's for all clients, to see what it changes: CUOTA_ON_FAULT=keep
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// On the real GPU, under a daemon of its own
    #[arg(long, conflicts_with = "sim")]
    gpu: bool,
    /// The simulated driver [default: sim/libcuda.so.1 beside this command]
    #[arg(long, value_name = "FILE")]
    sim: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drill {
    Oom,
    Fault,
    Server,
    Clients,
    All,
}

/// What else clients are told, the drill decides: above all which daemon they are clients of.
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.starts_with("CUOTA_") => Ok((name.into(), value.into())),
        _ => {
            Err("only CUOTA_NAME=VALUE can be set: the daemon and the card are the drill's own"
                .into())
        }
    }
}

pub fn drill(options: Options) -> Result<u8, Failure> {
    let driver = if options.gpu { None } else { Some(simulator::find(options.sim)?) };
    if driver.is_none() {
        nobody_elses()?;
    }
    let neighbours = options.neighbours.into();
    let plan = Plan { driver, library: library::find()?, neighbours, set: options.set };
    // The daemon and the clients are to end with us.
    stop::by_signal();
    let scratch = Scratch::new()?;
    let mut found = Vec::new();
    for (name, run) in drills(options.drill) {
        let radius = run(&mut Machine::new(&plan, scratch.path().join(name))?);
        // Who is told to end tells the clients too: what they did then is no radius.
        if !stop::wait(Duration::ZERO) {
            return Err(Failure::ours("told to end: the drill was not finished"));
        }
        let radius = radius?;
        if !options.json {
            print(&radius.text());
        }
        found.push(radius);
    }
    let promised = found.iter().all(|radius| radius.differs.is_empty());
    if options.json {
        let drills: Vec<_> = found.iter().map(Radius::json).collect();
        let all = json!({ "simulated": !options.gpu, "as_promised": promised, "drills": drills });
        print(&escaped(&format!("{all:#}\n")));
    } else {
        let card = if options.gpu { "" } else { "; the card is simulated" };
        let words = if promised { "All as promised" } else { "Not all as promised" };
        print(&wrapped("", &format!("{words}{card}.")));
    }
    Ok(u8::from(!promised))
}

type Run = fn(&mut Machine) -> Result<Radius, Failure>;

fn drills(wanted: Drill) -> impl Iterator<Item = (&'static str, Run)> {
    let all: [(Drill, &str, Run); 5] = [
        (Drill::Oom, "oom", |it| oom::run(it)),
        (Drill::Fault, "keep", |it| fault::stays(it)),
        (Drill::Fault, "exit", |it| fault::leaves(it)),
        (Drill::Server, "server", |it| server::run(it)),
        (Drill::Clients, "clients", clients::run),
    ];
    let chosen = move |drill| wanted == Drill::All || wanted == drill;
    all.into_iter().filter(move |(drill, ..)| chosen(*drill)).map(|(_, name, run)| (name, run))
}

/// A fault of ours could be felt by whoever shares the card.
fn nobody_elses() -> Result<(), Failure> {
    for place in [directory(env::var_os(PIPES)), directory(None)] {
        let found = look(&place, PATIENCE);
        if !matches!(found, Daemon::NoDirectory | Daemon::NoSocket | Daemon::Stale) {
            return Err(Failure::ours(format!(
                "an MPS daemon that is not ours is, or may be, in {}: its clients may share the card with the drill\nStop it first (`cuota mps stop`), or drill on another machine, or without --gpu on a simulated card.",
                place.display()
            )));
        }
    }
    Ok(())
}
