//! Who does nothing, and since when.
#![forbid(unsafe_code)]

use cuota_core::book::{self, Memory};
use cuota_core::kind::Kind;

use super::watch::Watch;
use crate::ledgers::Client;
use crate::times;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    NoMember,
    /// Members run, and have launched and allocated nothing yet.
    Unused,
    /// They once did, and not while we watched.
    UnusedWhileWatched,
}

pub struct Idle {
    pub why: Why,
    /// In nanoseconds since 1970, as far as the ledger tells.
    pub since: u64,
}

/// So many of the newest events are looked at: some may never have been finished.
const NEWEST: u64 = 16;

impl Idle {
    pub fn of(client: &Client, watch: &Watch) -> Option<Idle> {
        let report = &client.report;
        let made = report.created_wall;
        if !report.members.iter().any(|member| member.alive) {
            // Its last act, or that of whoever found the last member dead.
            let events = book::read(&client.file, NEWEST).map(|report| report.events);
            let last = events.unwrap_or_default().last().map(|event| event.time);
            let moment = |time| times::of_boot((made, report.created_boot), time);
            return Some(Idle { why: Why::NoMember, since: last.map_or(made, moment) });
        }
        if acts(client) == 0 && report.devices.iter().all(|device| device.used == 0) {
            return Some(Idle { why: Why::Unused, since: made });
        }
        let since = watch.unused_since(client)?;
        Some(Idle { why: Why::UnusedWhileWatched, since })
    }

    pub fn words(&self) -> String {
        let since = times::minute(self.since);
        match self.why {
            Why::NoMember => format!("idle: no member runs; last heard of at {since}"),
            Why::Unused => {
                format!("idle: launched and allocated nothing since its ledger was made, {since}")
            }
            Why::UnusedWhileWatched => {
                format!("idle: launched and allocated nothing while watched, since {since}")
            }
        }
    }
}

/// Launches and allocations ever.
pub fn acts(client: &Client) -> u64 {
    let of = |counts: &book::Counts| {
        let taken = Kind::ALL.map(|kind| counts.memory(kind, Memory::Taken).0);
        taken.into_iter().fold(counts.launches(), u64::wrapping_add)
    };
    client.report.devices.iter().map(|device| of(&device.counts)).fold(0, u64::wrapping_add)
}
