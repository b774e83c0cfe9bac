//! `cuota bill`: what each client used, since its ledger began or since an earlier look.
#![forbid(unsafe_code)]

pub mod account;
pub mod closed;
mod csv;
pub mod json;
pub mod table;
mod usage;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{self, Ledgers, NOT_AS_ASKED};
use crate::places::Places;
use crate::screen;
use account::{Account, Bill, Since, State};

pub const ABOUT: &str = "\
Say what each client used of which device.

All figures are since the client's ledger began, of all its members that ever
were; with --against, what came since that --json output was made. GiB·h are
gibibytes held times hours, exact to the byte and the nanosecond in --json and
--csv. They run to each member's last sign of life, which for the living is now.

UNCERTAIN is what killed members may have held between their last sign of life
and when their death was noticed: the truth lies between GiB·h alone and both
together, and bills add up in both together. PEAK is the most ever held at once,
also with --against. LAUNCHES are kernels: alone, cooperative and of graphs.

A client whose ledger `cuota gc` has closed is listed from its closing bill. With
--against, a client with a new ledger counts from that one's beginning, and one
of which nothing is left is listed as gone. In --csv, members are the client's,
and the same in each of its rows; there are no totals.

Exit status:
  0    everything was read
  1    a ledger or a closing bill could not be read, or a client is gone (the
       others are listed); or there is no CLIENT
  125  the directory or FILE could not be read, the output not written, or a bad
       option";

#[derive(Args)]
pub struct Options {
    /// This client only
    client: Option<String>,
    /// Bill what came since this earlier output of `cuota bill --json`
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print a table for other programs
    #[arg(long)]
    csv: bool,
    /// The directory of the ledgers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A snapshot of ten thousand clients with eight devices each is not larger.
const MOST_SNAPSHOT_BYTES: u64 = 128 << 20;

pub fn bill(options: Options) -> Result<u8, Failure> {
    let places = Places::of(options.dir.as_deref())?;
    let client = options.client.as_deref();
    let earlier = options.against.as_deref().map(snapshot).transpose()?.unwrap_or_default();
    let taken = clock::wall_time();
    let mut found = Ledgers::read(&places, client)?;
    let mut bills = bills(&places, &mut found, client, &earlier);
    let nothing = bills.is_empty() && found.unreadable.is_empty();
    if let Some(name) = options.client.filter(|_| nothing) {
        return Err(ledgers::no_such_client(&name, &places));
    }
    for unreadable in &found.unreadable {
        screen::complain(&unreadable.why);
    }
    let gone = bills.iter().any(|bill| bill.account.state == State::Gone);
    if options.json {
        screen::print(&json::text(&places.directories, &bills, taken));
    } else {
        // What the snapshot has in full is there for the next snapshot only.
        bills.retain(|bill| !bill.is_settled(&earlier));
        let text = match (options.csv, bills.is_empty()) {
            (true, _) => csv::text(&bills),
            (false, true) => screen::wrapped("", &format!("nothing to bill in {}", places.text())),
            (false, false) => table::text(&bills),
        };
        screen::print(&text);
    }
    Ok(if found.unreadable.is_empty() && !gone { 0 } else { NOT_AS_ASKED })
}

fn snapshot(file: &Path) -> Result<Vec<Account>, Failure> {
    // The user's own: it may well be a link, or a pipe's end.
    let mut text = String::new();
    let read =
        File::open(file).and_then(|file| file.take(MOST_SNAPSHOT_BYTES).read_to_string(&mut text));
    read.map_err(|why| Failure::ours(format!("--against {}: {why}", file.display())))?;
    json::snapshot(file, &text).map_err(|why| Failure::ours(format!("--against: {why}")))
}

/// Of those that have ledgers, of those that had, and of those only the snapshot knows.
fn bills(
    places: &Places,
    found: &mut Ledgers,
    client: Option<&str>,
    earlier: &[Account],
) -> Vec<Bill> {
    let mut accounts: Vec<Account> = found.clients.iter().map(Account::of).collect();
    for directory in &places.directories {
        for account in closed::read(directory, client, &mut found.unreadable) {
            // One that was closed, but not removed: whoever did it was interrupted.
            if !accounts.iter().any(|open| open.is_of_same_ledger(&account)) {
                accounts.push(account);
            }
        }
    }
    accounts.sort_by(|one, other| (&one.client, one.began).cmp(&(&other.client, other.began)));
    let wanted = |account: &&Account| client.is_none_or(|name| account.client == name);
    let gone = earlier.iter().filter(wanted);
    let gone = gone.filter(|before| !accounts.iter().any(|now| now.is_of_same_ledger(before)));
    let gone: Vec<Bill> = gone.map(gone_bill).collect();
    let bills = accounts.into_iter().map(|account| Bill::against(account, earlier));
    bills.chain(gone).collect()
}

fn gone_bill(before: &Account) -> Bill {
    let account = Account { state: State::Gone, devices: Vec::new(), ..before.clone() };
    let (from, members) = (account.until, account::Members::default());
    Bill { account, since: Since::Snapshot, from, members, usages: Vec::new() }
}
