//! `cuota mps supervise`: the daemon is watched by its lock, which costs it nothing, and asked seldom.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Where;
use super::facts::Facts;
use super::launch::How;
use super::tell::Teller;
use super::watch::Watch;
use crate::command::Failure;
use crate::export::textfile;
use crate::native::stop;
use crate::times;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    how: How,
    /// How often its lock is looked at; it is asked for its servers every thirtieth time
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = times::duration)]
    every: Duration,
    /// Print a JSON object for each thing that happens
    #[arg(long)]
    json: bool,
    /// Write metrics there for node_exporter: a file NAME.prom in its textfile directory
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// Looks at the lock for each time that the daemon is spoken to: it writes two lines of log for that.
const SELDOM: u32 = 30;

pub fn supervise(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let metrics = options.metrics.as_deref();
    let metrics = metrics.map(|file| crate::places::absolute("--metrics", file)).transpose()?;
    stop::by_signal();
    // What cannot work at all is said at once.
    if let Some(file) = &metrics {
        textfile::publish(file, &Facts::default().metrics(&place, [].iter()))?;
    }
    let teller = Teller { json: options.json, metrics };
    let mut watch = Watch::new(place, &options.how, teller);
    if let Err(why) = watch.start() {
        watch.forget();
        return Err(why);
    }
    let mut looks = 0;
    loop {
        if !stop::wait(options.every) {
            watch.end("ended", "this supervisor ends; the daemon goes on");
            return Ok(0);
        }
        if watch.is_stopped() {
            watch.end("stopped", "the daemon was stopped by command");
            return Ok(0);
        }
        looks = (looks + 1) % SELDOM;
        watch.look(looks == 0);
    }
}
