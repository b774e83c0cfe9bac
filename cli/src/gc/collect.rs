//! Which ledgers nobody needs any more, and the end of those.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cuota_core::book::{self, Closing, Report, Trouble};
use cuota_core::shm::clock;

use super::keep::Draft;
use crate::bill::account::{Account, State};
use crate::bill::{closed, json};
use crate::command::Failure;
use crate::ledgers::{Client, Ledgers};
use crate::places::Places;
use crate::ps::own_pid_namespace;

/// A ledger that was removed, or would be.
pub struct Removed {
    pub client: String,
    pub epoch: u64,
    pub file: PathBuf,
    /// Where its closing bill is.
    pub bill: PathBuf,
}

#[derive(Default)]
pub struct Collected {
    pub removed: Vec<Removed>,
    /// What could not be read, in words.
    pub unreadable: Vec<String>,
    /// What could not be removed.
    pub failed: Vec<String>,
}

/// Removes the ledgers that nobody is in and that nobody has touched for so long, each after its closing
/// bill is on the disk; or, with `dry_run`, only says which.
pub fn collect(places: &Places, older: Duration, dry_run: bool) -> Result<Collected, Failure> {
    let Ledgers { clients, unreadable } = Ledgers::read(places, None)?;
    let mut all = Collected::default();
    all.unreadable.extend(unreadable.into_iter().map(|unreadable| unreadable.why));
    for client in clients {
        match retire(client, older, dry_run) {
            Ok(removed) => all.removed.extend(removed),
            Err(why) => all.failed.push(why),
        }
    }
    Ok(all)
}

fn retire(client: Client, older: Duration, dry_run: bool) -> Result<Option<Removed>, String> {
    let Client { name, file, .. } = client;
    // The newest event, too, is a sign of life.
    let report = book::read(&file, 1).map_err(|why| why.to_string())?;
    if !report.is_deserted() || !is_old(&report, older) {
        return Ok(None);
    }
    let directory = file.parent().unwrap_or(Path::new("/")).to_owned();
    let bill_name = closed::file_name(&name, report.epoch);
    let bill = directory.join(closed::FOLDER).join(&bill_name);
    let epoch = report.epoch;
    let removed = Removed { client: name.clone(), epoch, file: file.clone(), bill };
    if dry_run {
        return Ok(Some(removed));
    }
    let client = Client { name, file, report };
    Ok(close(&client, &directory, &bill_name)?.then_some(removed))
}

/// Whether it is closed, and nobody has come in between.
fn close(client: &Client, directory: &Path, bill_name: &str) -> Result<bool, String> {
    let words = |why: Trouble| why.to_string();
    // What cannot be removed by us leaves no trace of the attempt.
    if !Closing::is_possible(&client.file).map_err(words)? {
        return Ok(false);
    }
    // Written before the door is taken: a joiner must not wait for the disk.
    let account = Account { state: State::Closed, ..Account::of(client) };
    let draft = Draft::write(directory, bill_name, &json::closing(&account))?;
    let closing = Closing::begin(&client.file, own_pid_namespace()).map_err(words)?;
    let Some(closing) = closing else { return Ok(false) };
    if !closing.is_last(&client.report).map_err(words)? {
        return Ok(false);
    }
    let bill = draft.keep()?;
    closing.remove().map_err(|why| {
        // The ledger goes on: this would be the bill of its end.
        let _ = fs::remove_file(bill);
        why.to_string()
    })?;
    Ok(true)
}

/// Nobody has anything of an earlier start of the machine any more, however long ago that was.
fn is_old(report: &Report, older: Duration) -> bool {
    let untouched = Duration::from_nanos(report.read.saturating_sub(report.touched));
    report.boot != clock::boot_id() || untouched >= older
}
