//! A command that is waited for, and the bill of what its client used meanwhile.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitStatus;

use crate::bill::account::{Account, Bill};
use crate::bill::table;
use crate::command::Failure;
use crate::{ledgers, screen};

/// Runs the command, and prints the bill.
pub fn billed(
    ledger: Option<&Path>,
    run: impl FnOnce() -> Result<ExitStatus, Failure>,
) -> Result<ExitStatus, Failure> {
    let look = || ledger.and_then(|file| ledgers::read(file).ok());
    let before: Vec<Account> = look().iter().map(Account::of).collect();
    let ended = run()?;
    let bills: Vec<Bill> =
        look().iter().map(|client| Bill::against(Account::of(client), &before)).collect();
    if bills.is_empty() {
        screen::warn("there is no bill: no ledger of the command's client can be read");
    } else {
        screen::report(&table::text(&bills));
    }
    Ok(ended)
}
