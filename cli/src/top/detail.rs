//! One client: its members and its newest events.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::path::Path;

use cuota_core::book::{self, Counts, Event, Memory, Report};
use cuota_core::config::Uuid;
use cuota_core::kind::Kind;
use cuota_core::shm::clock;

use super::rows::{Flow, Rates};

pub struct Detail {
    /// Nanoseconds since boot.
    pub time: u64,
    epoch: u64,
    pub members: Vec<Member>,
    /// The newest first.
    pub events: Vec<Event>,
    /// Who the events are about: incarnation, pid and name of those that have a place.
    pub known: Vec<(u64, String)>,
    pub devices: Vec<(usize, String)>,
}

/// A living member, once for each device it uses.
pub struct Member {
    id: u64,
    pub pid: u64,
    /// Its pid is one of another PID namespace.
    pub elsewhere: bool,
    pub name: String,
    pub device: Option<MemberOn>,
}

pub struct MemberOn {
    index: usize,
    pub uuid: String,
    pub used: u64,
    /// Allocations not freed yet.
    pub allocations: u64,
    flow: Flow,
    pub rates: Option<Rates>,
}

impl Detail {
    /// Reads it with its newest `events` events.
    pub fn read(file: &Path, events: u64, pid_namespace: u64) -> Result<Detail, String> {
        let report = book::read(file, events).map_err(|why| why.to_string())?;
        Ok(Detail::of(report, clock::boot_time(), pid_namespace))
    }

    fn of(report: Report, time: u64, pid_namespace: u64) -> Detail {
        let uuid = |uuid| Uuid(uuid).to_string();
        let devices: Vec<(usize, String)> =
            report.devices.iter().map(|device| (device.index, uuid(device.uuid))).collect();
        let known = report.members.iter();
        let known = known.map(|it| (it.id, format!("{} {}", it.pid, it.name))).collect();
        let mut members = Vec::new();
        for member in report.members.into_iter().filter(|member| member.alive) {
            let row = |device| Member {
                id: member.id,
                pid: member.pid,
                elsewhere: ![0, pid_namespace].contains(&member.pid_namespace),
                name: member.name.clone(),
                device,
            };
            let on = |share: &book::Share| MemberOn {
                index: share.device,
                uuid: name_of(&devices, share.device).unwrap_or_default().to_owned(),
                used: share.used,
                allocations: live(&share.counts),
                flow: Flow::of(&share.counts),
                rates: None,
            };
            if member.shares.is_empty() {
                members.push(row(None));
            }
            members.extend(member.shares.iter().map(|share| row(Some(on(share)))));
        }
        members.sort_by_key(|it| (Reverse(it.device.as_ref().map(|on| on.used)), it.pid));
        let mut events = report.events;
        events.reverse();
        Detail { time, epoch: report.epoch, members, events, known, devices }
    }

    pub fn compare(&mut self, earlier: &Detail) {
        let passed = self.time.saturating_sub(earlier.time);
        for member in self.members.iter_mut().filter(|_| self.epoch == earlier.epoch) {
            let Some(device) = &mut member.device else { continue };
            let before = earlier.members.iter().filter(|it| it.id == member.id);
            let mut before = before.filter_map(|it| it.device.as_ref());
            let before = before.find(|it| it.index == device.index);
            device.rates = before.and_then(|before| device.flow.since(before.flow, passed));
        }
    }

    /// What an event is about.
    pub fn member(&self, id: u64) -> String {
        let known = self.known.iter().find(|(known, _)| *known == id);
        match known {
            Some((_, text)) => text.clone(),
            None if id == 0 => String::new(),
            None => format!("member {id}"),
        }
    }

    pub fn device(&self, index: usize) -> &str {
        name_of(&self.devices, index).unwrap_or_default()
    }
}

fn name_of(devices: &[(usize, String)], index: usize) -> Option<&str> {
    devices.iter().find(|(known, _)| *known == index).map(|(_, uuid)| uuid.as_str())
}

/// What the driver takes for itself is nobody's allocation.
fn live(counts: &Counts) -> u64 {
    let asked_for = |kind: &Kind| !matches!(kind, Kind::Own | Kind::Limit);
    let each = Kind::ALL.into_iter().filter(asked_for).map(|kind| {
        let (taken, freed) =
            (counts.memory(kind, Memory::Taken), counts.memory(kind, Memory::Freed));
        taken.0.saturating_sub(freed.0)
    });
    each.fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cuota_core::book::{DeviceReport, MemberReport, Share};

    fn counts(launches: u64, taken: u64, freed: u64) -> Counts {
        let mut words = [0; 128];
        words[0] = launches;
        // The first kind's calls: taken, freed.
        (words[32], words[34]) = (taken, freed);
        let mut counts = Counts::default();
        counts.add(&words);
        counts
    }

    fn report(launches: u64) -> Report {
        let share = |used| {
            let counts = counts(launches, 5, 2);
            Share { device: 3, used, counts, ..Share::default() }
        };
        let member = |id, alive, shares| {
            let mut member = MemberReport::default();
            (member.id, member.alive, member.shares) = (id, alive, shares);
            (member.pid, member.pid_namespace) = (100 + id, 7);
            member.name = "prog".into();
            member
        };
        let device = DeviceReport { index: 3, ..DeviceReport::default() };
        Report {
            epoch: 1,
            devices: vec![device],
            members: vec![
                member(1, true, vec![share(1)]),
                member(2, true, vec![share(2)]),
                member(3, true, vec![]),
                member(4, false, vec![]),
            ],
            ..Report::default()
        }
    }

    #[test]
    fn the_living_by_what_they_hold_with_rates_of_their_own() {
        let before = Detail::of(report(10), 1_000_000_000, 7);
        let mut now = Detail::of(report(30), 2_000_000_000, 8);
        now.compare(&before);
        assert_eq!(now.members.iter().map(|it| it.id).collect::<Vec<_>>(), [2, 1, 3]);
        let first = now.members[0].device.as_ref().unwrap();
        assert_eq!((first.allocations, first.rates.unwrap().launches), (3, 20.0));
        assert!(now.members[0].elsewhere && !before.members[0].elsewhere);
        assert!(now.members[2].device.is_none());
        let names = [0, 4, 9].map(|id| now.member(id));
        assert_eq!(names, ["", "104 prog", "member 9"], "also of one that is gone");
    }
}
