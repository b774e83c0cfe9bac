//! What a ledger says that its events only point at: devices by number, members by incarnation.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use cuota_core::book::{Event, Kind, Report};
use cuota_core::config::Uuid;

use crate::{ledgers, screen, times};

/// Members remembered beside those that are in the ledger, at most.
const MOST_REMEMBERED: usize = 1024;

#[derive(Clone, Default)]
pub struct Facts {
    pub client: String,
    pub epoch: u64,
    /// On the wall's clock and on that since boot.
    made: (u64, u64),
    devices: HashMap<usize, Device>,
    members: HashMap<u64, Member>,
}

#[derive(Clone)]
pub struct Device {
    pub uuid: String,
    /// As in `cuota ps`.
    pub name: String,
}

#[derive(Clone)]
pub struct Member {
    pub pid: u64,
    /// Not known of those that were gone before we looked.
    pub name: Option<String>,
}

impl Facts {
    pub fn new(client: String, report: Report) -> Facts {
        let made = (report.created_wall, report.created_boot);
        let mut facts = Facts { client, epoch: report.epoch, made, ..Facts::default() };
        facts.learn(report);
        facts
    }

    /// What a later look at the same ledger says. Who has left it since stays known.
    pub fn learn(&mut self, report: Report) {
        if self.members.len() > MOST_REMEMBERED {
            self.members.clear();
        }
        for member in report.members {
            let name = Some(screen::plain(&member.name));
            self.members.insert(member.id, Member { pid: member.pid, name });
        }
        for device in report.devices {
            let name = ledgers::device_name(&device);
            self.devices.insert(device.index, Device { uuid: Uuid(device.uuid).to_string(), name });
        }
    }

    /// Some events say a pid themselves.
    pub fn learn_from(&mut self, event: &Event) {
        let says_pid = matches!(event.kind, Kind::Joined | Kind::Left | Kind::Died);
        if says_pid && event.member != 0 && self.members.len() <= MOST_REMEMBERED {
            let [pid, ..] = event.payload;
            self.members.entry(event.member).or_insert(Member { pid, name: None });
        }
    }

    /// Whether everything that the event points at is known.
    pub fn explain(&self, event: &Event) -> bool {
        let member = event.member == 0 || self.members.contains_key(&event.member);
        member && event.device.is_none_or(|index| self.devices.contains_key(&index))
    }

    pub fn member(&self, id: u64) -> Option<&Member> {
        self.members.get(&id)
    }

    pub fn device(&self, index: usize) -> Option<&Device> {
        self.devices.get(&index)
    }

    /// The moment on the wall of one since boot.
    pub fn moment(&self, time: u64) -> u64 {
        times::of_boot(self.made, time)
    }
}
