//! The command line, and how a command ends that could not do what it was asked.
#![forbid(unsafe_code)]

use clap::{Parser, Subcommand};

use crate::{
    advise, bill, chaos, completions, demo, doctor, events, export, gc, man, mps, ps, run, set, top,
};

/// Statuses as `env` and `nohup` give them, so that a script can tell our failure from its program's.
pub const OUR_FAILURE: u8 = 125;
pub const NOT_EXECUTABLE: u8 = 126;
pub const NOT_FOUND: u8 = 127;

/// What a command could not do, in words for a person, and the status it ends with.
#[derive(Debug)]
pub struct Failure {
    pub status: u8,
    pub text: String,
}

impl Failure {
    pub fn ours(text: impl Into<String>) -> Failure {
        Failure { status: OUR_FAILURE, text: text.into() }
    }
}

/// Lets several CUDA programs share one GPU.
#[derive(Parser)]
#[command(name = "cuota", version, disable_help_subcommand = true)]
pub struct Cuota {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run a command with cuota between it and the CUDA driver
    #[command(long_about = run::ABOUT)]
    Run(run::Options),
    /// List clients, what they hold, and their members
    #[command(long_about = ps::ABOUT)]
    Ps(ps::Options),
    /// Watch clients: what they hold, launch and copy, and their members
    #[command(long_about = top::ABOUT)]
    Top(top::Options),
    /// Change the quota of a client that runs
    #[command(long_about = set::ABOUT)]
    Set(set::Options),
    /// Print what happened to clients, and go on as it happens
    #[command(long_about = events::ABOUT)]
    Events(events::Options),
    /// Say what quota each client needs, and who is idle
    #[command(long_about = advise::ABOUT)]
    Advise(advise::Options),
    /// Metrics for Prometheus
    #[command(long_about = export::ABOUT)]
    Export(export::Options),
    /// What each client used
    #[command(long_about = bill::ABOUT)]
    Bill(bill::Options),
    /// Start, look at and stop the MPS control daemon
    #[command(long_about = mps::ABOUT)]
    Mps(mps::Options),
    /// Close and remove ledgers that nobody is in
    #[command(long_about = gc::ABOUT)]
    Gc(gc::Options),
    /// Check that cuota works here, and which driver functions it covers
    #[command(long_about = doctor::ABOUT)]
    Doctor(doctor::Options),
    /// Show a neighbour saved from an out-of-memory; needs no GPU
    #[command(long_about = demo::ABOUT)]
    Demo(demo::Options),
    /// Make trouble for clients of a scratch MPS, and show whom it reaches
    #[command(long_about = chaos::ABOUT)]
    Chaos(chaos::Options),
    /// Print what a shell needs to complete cuota's words
    #[command(long_about = completions::ABOUT)]
    Completions(completions::Options),
    /// Print or write manual pages
    #[command(long_about = man::ABOUT)]
    Man(man::Options),
    /// What `doctor` asks a child under the preload: one line per fact
    #[command(hide = true)]
    Probe,
    /// One of the demo's two clients
    #[command(hide = true)]
    DemoClient(demo::ClientOptions),
    /// One of the clients of a drill
    #[command(hide = true)]
    ChaosClient,
}
