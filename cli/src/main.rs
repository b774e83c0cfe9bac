//! cuota, the command: runs programs as clients of a shared GPU, and shows what stands where.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod advise;
mod bill;
mod chaos;
mod command;
mod completions;
mod dates;
mod demo;
mod doctor;
mod events;
mod export;
mod exports;
mod gc;
mod image;
mod ledgers;
mod library;
mod man;
mod maps;
mod mps;
mod native;
mod places;
mod processes;
mod program;
mod ps;
mod reach;
mod run;
mod scratch;
mod screen;
mod script;
mod set;
mod simulator;
mod sizes;
mod sms;
mod times;
mod top;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use command::{Command, Cuota, OUR_FAILURE};

fn main() -> ExitCode {
    let cuota = match Cuota::try_parse() {
        Ok(cuota) => cuota,
        Err(why) => return ExitCode::from(not_parsed(&why)),
    };
    let done = match cuota.command {
        Command::Run(options) => run::run(options),
        Command::Ps(options) => ps::list(options),
        Command::Top(options) => top::watch(options),
        Command::Set(options) => set::set(options),
        Command::Export(options) => export::export(options),
        Command::Bill(options) => bill::bill(options),
        Command::Gc(options) => gc::gc(options),
        Command::Doctor(options) => doctor::examine(options),
        Command::Mps(options) => mps::mps(options),
        Command::Demo(options) => demo::show(options),
        Command::Chaos(options) => chaos::drill(options),
        Command::Events(options) => events::show(options),
        Command::Advise(options) => advise::advise(options),
        Command::Completions(options) => completions::print(options),
        Command::Man(options) => man::write(options),
        Command::Probe => doctor::probe(),
        Command::DemoClient(options) => demo::client(options),
        Command::ChaosClient => chaos::client(),
    };
    ExitCode::from(match done {
        Ok(status) if screen::is_whole() => status,
        // Whatever it found: who looks at the status alone must not take a part for all.
        Ok(_) => OUR_FAILURE,
        Err(failure) => {
            screen::complain(&failure.text);
            failure.status
        }
    })
}

/// Help and version are asked for, and come here too.
fn not_parsed(why: &clap::Error) -> u8 {
    let printed = why.print();
    if why.use_stderr() {
        return OUR_FAILURE;
    }
    screen::arrived(printed.and_then(|()| io::stdout().flush()));
    if screen::is_whole() { 0 } else { OUR_FAILURE }
}
