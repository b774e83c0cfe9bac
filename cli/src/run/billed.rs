//! A command that is waited for, and the bill of what its client used meanwhile.
#![forbid(unsafe_code)]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use crate::bill::account::{Account, Bill};
use crate::bill::table;
use crate::command::{Failure, OUR_FAILURE};
use crate::ledgers;
use crate::native::system;
use crate::screen;

pub fn run(
    mut command: Command,
    ledger: Option<&Path>,
    failed: impl Fn(io::Error) -> Failure,
) -> Result<u8, Failure> {
    let look = || ledger.and_then(|file| ledgers::read(file).ok());
    let before: Vec<Account> = look().iter().map(Account::of).collect();
    system::stand_in();
    let mut child = command.spawn().map_err(&failed)?;
    let ended = system::wait_for(&mut child).map_err(failed)?;
    let bills: Vec<Bill> =
        look().iter().map(|client| Bill::against(Account::of(client), &before)).collect();
    if bills.is_empty() {
        screen::warn("there is no bill: no ledger of the command's client can be read");
    } else {
        screen::report(&table::text(&bills));
    }
    if let Some(signal) = ended.signal() {
        system::end_by(signal);
    }
    // Not reached after a signal, but for one that cannot end this process.
    let status = ended.code().or(ended.signal().map(|signal| 128 + signal));
    Ok(status.and_then(|status| u8::try_from(status).ok()).unwrap_or(OUR_FAILURE))
}
