//! `cuota mps drain`: all members of a client are told to take no new work and to finish what they have.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cuota_core::book::{self, MemberReport, Report};
use cuota_core::shm::clock;

use super::terminate::terminate;
use super::{NOT_SO, PAUSE, Where};
use crate::command::Failure;
use crate::ledgers::Client;
use crate::places::Places;
use crate::set::find;
use crate::{screen, times};

#[derive(Args)]
pub struct Options {
    /// The client, as `cuota ps` shows it
    client: String,
    /// Let it go on
    #[arg(long)]
    undo: bool,
    /// How long its work is waited for
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = times::duration)]
    wait: Duration,
    /// Have the MPS server end those that have not stopped by then (on the host)
    #[arg(long, conflicts_with = "undo")]
    terminate: bool,
    #[command(flatten)]
    at: Where,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn drain(options: &Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let client = find::running(&options.client, &places)?;
    let failed = |text: String| Failure { status: NOT_SO, text };
    let trouble = |why| failed(find::not_permitted(&why).unwrap_or(why.to_string()));
    let book = book::open_existing(&client.file).map_err(trouble)?;
    if options.undo {
        book.tell_to_stop(0);
        screen::print(&format!("{}: may go on\n", client.name));
        return Ok(0);
    }
    let told = clock::boot_time();
    book.tell_to_stop(told);
    let end = Instant::now() + options.wait;
    loop {
        let report = book::read(&client.file, 0).map_err(trouble)?;
        let left: Vec<&MemberReport> =
            meant(&report, told).filter(|it| !has_stopped(it, told)).collect();
        if left.is_empty() {
            let many = screen::count(meant(&report, told).count(), "member");
            screen::print(&format!(
                "{}: stopped, with nothing in flight ({many}); cuota mps drain {} --undo lets it go on\n",
                client.name, client.name
            ));
            return Ok(0);
        }
        if Instant::now() >= end && options.terminate {
            let said = terminate(&options.at.place()?, &left).map_err(failed)?;
            screen::print(&(said.join("\n") + "\n"));
            return Ok(0);
        }
        if Instant::now() >= end {
            return Err(failed(not_done(&client, &left, options.wait)));
        }
        thread::sleep(PAUSE);
    }
}

/// Those who were there when it was told, and have anything to do with a device.
fn meant(report: &Report, told: u64) -> impl Iterator<Item = &MemberReport> {
    report.members.iter().filter(move |it| it.alive && it.joined < told && !it.shares.is_empty())
}

fn has_stopped(member: &MemberReport, told: u64) -> bool {
    let on = |index: usize| member.stopped.contains(&(index, told));
    member.fault.is_some() || member.shares.iter().all(|share| on(share.device))
}

fn not_done(client: &Client, left: &[&MemberReport], wait: Duration) -> String {
    let pids: Vec<String> = left.iter().map(|member| member.pid.to_string()).collect();
    format!(
        "{}: after {} s these have not said that they are done: {}\nTheir work goes on, or they are not looked after (CUOTA_DRAIN=0, or not under MPS). They stay told to stop; cuota mps drain {} --undo lets them go on.",
        client.name,
        wait.as_secs(),
        pids.join(", "),
        client.name
    )
}
