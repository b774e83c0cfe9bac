//! What is shown: a row for each client on each of its devices, and what happened between two looks.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cuota_core::book::{Counts, DeviceReport, Direction, Report};
use cuota_core::config::Uuid;
use cuota_core::shm::clock;

use crate::command::Failure;
use crate::ledgers::{Client, Ledgers, Unreadable};
use crate::places::Places;
use crate::sms::Sms;

/// Clients as they were at one moment, by name.
#[derive(Default)]
pub struct Sample {
    /// Nanoseconds since boot.
    pub time: u64,
    pub rows: Vec<Row>,
    pub unreadable: Vec<Unreadable>,
}

#[derive(Clone, Debug, Default)]
pub struct Row {
    pub client: String,
    pub file: PathBuf,
    pub epoch: u64,
    /// How many members live.
    pub members: usize,
    /// None as long as the client has used none.
    pub device: Option<OnDevice>,
}

#[derive(Clone, Debug, Default)]
pub struct OnDevice {
    pub index: usize,
    pub uuid: String,
    pub bytes: u64,
    pub limit: Option<u64>,
    pub by_command: bool,
    pub used: u64,
    pub peak: u64,
    pub refused: u64,
    pub byte_ns: u128,
    pub flow: Flow,
    /// None where nobody asks for a share, and nobody is under MPS.
    pub sms: Option<Sms>,
    /// None if nothing is known of the time before.
    pub rates: Option<Rates>,
}

/// Counts that are looked at by how fast they grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pub launches: u64,
    pub copied: u64,
}

/// A second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    pub launches: f64,
    pub copied: f64,
}

impl Flow {
    pub fn of(counts: &Counts) -> Flow {
        let bytes = Direction::ALL.into_iter().map(|direction| counts.copied(direction).1);
        Flow { launches: counts.launches(), copied: bytes.fold(0, u64::wrapping_add) }
    }

    /// None where a count went back: then it is another's, or the file lies.
    pub fn since(self, earlier: Flow, nanoseconds: u64) -> Option<Rates> {
        let per_second = |now: u64, then: u64| {
            let seconds = nanoseconds as f64 / 1e9;
            now.checked_sub(then).filter(|_| nanoseconds > 0).map(|more| more as f64 / seconds)
        };
        Some(Rates {
            launches: per_second(self.launches, earlier.launches)?,
            copied: per_second(self.copied, earlier.copied)?,
        })
    }
}

impl Sample {
    pub fn take(places: &Places, client: Option<&str>) -> Result<Sample, Failure> {
        let found = Ledgers::read(places, client)?;
        let rows = found.clients.into_iter().flat_map(rows).collect();
        Ok(Sample { time: clock::boot_time(), rows, unreadable: found.unreadable })
    }

    /// Each client's rows.
    pub fn clients(&self) -> impl Iterator<Item = &[Row]> {
        self.rows.chunk_by(|one, other| one.file == other.file)
    }

    /// Says how fast what is counted grew since an earlier sample.
    pub fn compare(&mut self, earlier: &Sample) {
        let passed = self.time.saturating_sub(earlier.time);
        let before: HashMap<_, Flow> = earlier
            .rows
            .iter()
            .filter_map(|row| Some((row.key()?, row.device.as_ref()?.flow)))
            .collect();
        for row in &mut self.rows {
            let known = row.key().and_then(|key| before.get(&key).copied());
            let Some(device) = &mut row.device else { continue };
            device.rates = known.and_then(|before| device.flow.since(before, passed));
        }
    }
}

impl Row {
    /// What makes counts comparable: the same ledger and the same device in it.
    fn key(&self) -> Option<(&Path, u64, usize)> {
        Some((&self.file, self.epoch, self.device.as_ref()?.index))
    }
}

fn rows(client: Client) -> Vec<Row> {
    let Client { name, file, report } = client;
    let members = report.members.iter().filter(|member| member.alive).count();
    let row = |device| Row {
        client: name.clone(),
        file: file.clone(),
        epoch: report.epoch,
        members,
        device,
    };
    if report.devices.is_empty() {
        return vec![row(None)];
    }
    report.devices.iter().map(|device| row(Some(on(&report, device)))).collect()
}

fn on(report: &Report, device: &DeviceReport) -> OnDevice {
    OnDevice {
        index: device.index,
        uuid: Uuid(device.uuid).to_string(),
        bytes: device.bytes,
        limit: device.limit,
        by_command: device.by_command,
        used: device.used,
        peak: device.peak,
        refused: device.refused,
        byte_ns: device.held_byte_ns.saturating_add(device.running_byte_ns),
        flow: Flow::of(&device.counts),
        sms: Sms::of(report, device),
        rates: None,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A client's row on a card of 16 GiB.
    pub fn row(client: &str, used: u64, limit: Option<u64>) -> Row {
        let device = OnDevice {
            uuid: "GPU-30313233-3435-3637-3839-616263646566".into(),
            bytes: 16 << 30,
            used,
            limit,
            ..OnDevice::default()
        };
        let file = format!("/ledgers/{client}.v1.cuota").into();
        Row { client: client.into(), file, epoch: 1, members: 2, device: Some(device) }
    }

    fn counted(row: Row, launches: u64, epoch: u64) -> Row {
        let device = row
            .device
            .map(|device| OnDevice { flow: Flow { launches, copied: 2 * launches }, ..device });
        Row { device, epoch, ..row }
    }

    fn sample(time: u64, rows: Vec<Row>) -> Sample {
        Sample { time, rows, ..Sample::default() }
    }

    #[test]
    fn rates_are_of_the_same_ledger_between_two_looks() {
        let before = ["a", "b", "c"].map(|name| counted(row(name, 0, None), 100, 1));
        let before = sample(1_000_000_000, before.into());
        let after = vec![
            counted(row("a", 0, None), 150, 1),
            counted(row("b", 0, None), 150, 2),
            counted(row("c", 0, None), 50, 1),
            counted(row("new", 0, None), 150, 1),
            Row::default(),
        ];
        let mut after = sample(1_500_000_000, after);
        after.compare(&before);
        let rates: Vec<_> =
            after.rows.iter().map(|row| row.device.as_ref().and_then(|it| it.rates)).collect();
        let first = Rates { launches: 100.0, copied: 200.0 };
        assert_eq!(rates, [Some(first), None, None, None, None], "none is not zero");
        assert_eq!(after.clients().count(), 5);
    }

    #[test]
    fn no_time_is_no_rate() {
        assert_eq!(Flow::default().since(Flow::default(), 0), None);
    }
}
