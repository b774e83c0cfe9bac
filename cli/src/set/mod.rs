//! `cuota set`: other limits for a client that runs.
#![forbid(unsafe_code)]

pub mod find;
mod wanted;

use std::path::PathBuf;

use clap::Args;
use cuota_core::book::{self, DeviceReport, Trouble};
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{Client, NOT_AS_ASKED, device_name};
use crate::places::Places;
use crate::screen;
use crate::sizes::{quota, short};
use wanted::Wanted;

pub const ABOUT: &str = "\
Change the quota of a client that runs; in force when this returns.

SIZE is as in CUOTA_VRAM: 8GiB, 512M, 50% (of the device), or a list such as
GPU-<uuid>=4GiB,0=8GiB with numbers as `cuota ps` shows them; none takes the
quota away. A quota below what is held takes nothing away: what is asked for
next is refused. It stays until the client's last member ends; then the
environment (CUOTA_VRAM) of the next one decides anew.

Exit status:
  0    the quota is in force
  1    it is not: no such client, nobody to be limited, not permitted
  125  a bad option, or the output could not be written: the quota is in force";

#[derive(Args)]
pub struct Options {
    /// The client, as `cuota ps` shows it
    client: String,
    /// How much device memory it may hold, or none
    #[arg(long, value_name = "SIZE", required = true)]
    vram: String,
    /// This device only: the beginning of its UUID, or its number in `cuota ps`
    #[arg(long, value_name = "UUID|INDEX")]
    device: Option<String>,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn set(options: Options) -> Result<u8, Failure> {
    let wanted = Wanted::parse(&options.vram)?;
    let places = Places::of(options.dir.as_deref())?;
    let client = find::running(&options.client, &places)?;
    let changes = wanted.of(&client, options.device.as_deref())?;
    put_in_force(&client, &changes)?;
    // As it is now: the limits refuse already, and what is held can only shrink against them.
    let after = book::read(&client.file, 0).map_err(|why| failed(why.to_string()))?;
    for (before, limit) in &changes {
        let now = after.devices.iter().find(|device| device.index == before.index);
        let used = now.map_or(before.used, |device| device.used);
        screen::print(&said(&client, before, *limit, used));
        if let Some(over) = limit.and_then(|limit| used.checked_sub(limit)).filter(|it| *it > 0) {
            screen::warn(&format!(
                "{} holds more than that on {}: nothing is taken away; what is asked for next is refused until {} is freed",
                client.name,
                device_name(before),
                short(over)
            ));
        }
    }
    Ok(0)
}

/// A device as it was, and its new limit.
type Change<'a> = (&'a DeviceReport, Option<u64>);

fn put_in_force(client: &Client, changes: &[Change]) -> Result<(), Failure> {
    let trouble = |why: Trouble| failed(find::not_permitted(&why).unwrap_or(why.to_string()));
    let book = book::open_existing(&client.file).map_err(trouble)?;
    let door = book.door().map_err(trouble)?;
    if !door.has_members(&book.witness(0, 0)) {
        return Err(find::nobody_runs(&client.name));
    }
    for (device, limit) in changes {
        door.set(device.index, *limit, clock::boot_time());
    }
    Ok(())
}

fn said(client: &Client, before: &DeviceReport, limit: Option<u64>, used: u64) -> String {
    format!(
        "{} on {}: {} -> {}, holds {}\n",
        client.name,
        device_name(before),
        quota(before.limit),
        quota(limit),
        short(used)
    )
}

fn failed(text: String) -> Failure {
    Failure { status: NOT_AS_ASKED, text }
}
