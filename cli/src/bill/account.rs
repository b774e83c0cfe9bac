//! A client's account as one ledger has it, and what of it is billed.
#![forbid(unsafe_code)]

use cuota_core::config::Uuid;
use cuota_core::shm::clock;

use super::usage::Usage;
use crate::ledgers::Client;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Open,
    /// Its ledger was removed, and this is from its closing bill.
    Closed,
    /// It was there when the snapshot was taken, and nothing is left of it.
    Gone,
}

/// Members that joined, left in good order, and were killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Members {
    pub joined: u64,
    pub left: u64,
    pub died: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfDevice {
    pub uuid: Uuid,
    /// The most that was held at once, ever.
    pub peak: u64,
    pub usage: Usage,
}

/// All since the ledger began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub client: String,
    /// Of the ledger: another one counts from nothing.
    pub epoch: u64,
    pub state: State,
    /// `name=value,…`
    pub labels: String,
    /// Nanoseconds since 1970: when it began, and as of when this is.
    pub began: u64,
    pub until: u64,
    pub members: Members,
    pub devices: Vec<OfDevice>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    Beginning,
    /// The snapshot has this client with another ledger.
    NewLedger,
    Snapshot,
}

/// What is billed of an account: of each of its devices, in their order.
pub struct Bill {
    pub account: Account,
    pub since: Since,
    pub from: u64,
    pub members: Members,
    pub usages: Vec<Usage>,
}

impl Account {
    pub fn of(client: &Client) -> Account {
        let report = &client.report;
        let this_boot = report.boot == clock::boot_id();
        let of_device = |device: &cuota_core::book::DeviceReport| OfDevice {
            uuid: Uuid(device.uuid),
            peak: device.peak,
            usage: Usage::of(device, this_boot),
        };
        let lives = report.members.iter().any(|member| member.alive);
        let touched = report.touched.saturating_sub(report.created_boot);
        let until =
            if lives { clock::wall_time() } else { report.created_wall.saturating_add(touched) };
        Account {
            client: client.name.clone(),
            epoch: report.epoch,
            state: State::Open,
            labels: report.labels.clone(),
            began: report.created_wall,
            until,
            members: Members { joined: report.joined, left: report.left, died: report.died },
            devices: report.devices.iter().map(of_device).collect(),
        }
    }

    pub fn is_of_same_ledger(&self, other: &Account) -> bool {
        self.epoch == other.epoch && self.client == other.client
    }
}

impl Bill {
    /// What is new since the accounts of an earlier time.
    pub fn against(account: Account, earlier: &[Account]) -> Bill {
        let before = earlier.iter().find(|before| before.is_of_same_ledger(&account));
        let Some(before) = before else {
            let known = earlier.iter().any(|before| before.client == account.client);
            let usages = account.devices.iter().map(|device| device.usage.clone()).collect();
            return Bill {
                since: if known { Since::NewLedger } else { Since::Beginning },
                from: account.began,
                members: account.members,
                usages,
                account,
            };
        };
        let new = |device: &OfDevice| {
            let before = before.devices.iter().find(|before| before.uuid == device.uuid);
            before.map_or(device.usage.clone(), |before| device.usage.since(&before.usage))
        };
        let (now, then) = (account.members, before.members);
        Bill {
            since: Since::Snapshot,
            from: before.until,
            members: Members {
                joined: now.joined.saturating_sub(then.joined),
                left: now.left.saturating_sub(then.left),
                died: now.died.saturating_sub(then.died),
            },
            usages: account.devices.iter().map(new).collect(),
            account,
        }
    }

    /// Whether it was closed before the snapshot was taken, which has all of it.
    pub fn is_settled(&self, earlier: &[Account]) -> bool {
        let closed = |before: &Account| {
            before.state == State::Closed && before.is_of_same_ledger(&self.account)
        };
        self.account.state == State::Closed && earlier.iter().any(closed)
    }

    pub fn each(&self) -> impl Iterator<Item = (&OfDevice, &Usage)> {
        self.account.devices.iter().zip(&self.usages)
    }
}

/// The sums of each device, in the order they are met, and of all.
pub fn totals(bills: &[Bill]) -> (Vec<(Uuid, Usage)>, Usage) {
    let (mut each, mut all): (Vec<(Uuid, Usage)>, _) = (Vec::new(), Usage::default());
    for (device, usage) in bills.iter().flat_map(Bill::each) {
        all.add(usage);
        match each.iter_mut().find(|(uuid, _)| *uuid == device.uuid) {
            Some((_, sum)) => sum.add(usage),
            None => each.push((device.uuid, usage.clone())),
        }
    }
    (each, all)
}
