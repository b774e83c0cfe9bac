//! One client's ledger as samples.
#![forbid(unsafe_code)]

use std::fmt::Display;

use cuota_core::book::{Count, Counts, DeviceReport, Direction, Memory, Report};
use cuota_core::config::Uuid;
use cuota_core::kind::Kind;

use super::gpus::Gpus;
use super::keep::Said;
use super::labels::Labels;
use super::metrics::Metric;
use super::text::{Nanos, Text};
use crate::ledgers::Client;
use crate::sms::Sms;

/// Where samples of the same labels go.
struct Series<'a> {
    text: &'a mut Text,
    labels: Labels,
    since: Nanos,
}

impl Series<'_> {
    fn add(&mut self, metric: Metric, value: impl Display) {
        self.text.add(metric, &self.labels, None, value, self.since);
    }

    fn add_by(&mut self, metric: Metric, by: (&str, &str), value: impl Display) {
        self.text.add(metric, &self.labels, Some(by), value, self.since);
    }
}

pub fn add(text: &mut Text, client: &Client, said: &mut Said, gpus: &mut Gpus) {
    let report = &client.report;
    let labels = Labels::of_client(&client.name, &report.labels);
    let since = Nanos(report.created_wall.into());
    let mut series = Series { text, labels: labels.clone(), since };
    let living = report.members.iter().filter(|member| member.alive).count();
    let lost = report.members.iter().filter(|member| member.alive && member.fault.is_some());
    series.add(Metric::Members, living);
    series.add(Metric::MembersLost, lost.count());
    series.add(Metric::Joined, report.joined);
    series.add(Metric::Left, report.left);
    series.add(Metric::Died, said.died(report));
    series.add(Metric::Events, report.written);
    for (place, device) in report.devices.iter().enumerate() {
        // A file that lies may have one twice, and Prometheus would take nothing at all.
        let mut before = report.devices.iter().take(place);
        if before.all(|other| other.uuid != device.uuid) {
            let uuid = Uuid(device.uuid);
            series.labels = labels.of_device(uuid, gpus.place(uuid));
            self::device(&mut series, device, said);
            sms(&mut series, report, device);
        }
    }
}

fn device(series: &mut Series, device: &DeviceReport, said: &mut Said) {
    series.add(Metric::MemoryUsed, device.used);
    if let Some(limit) = device.limit {
        series.add(Metric::MemoryQuota, limit);
    }
    series.add(Metric::QuotaByCommand, u8::from(device.by_command));
    series.add(Metric::MemoryPeak, device.peak);
    series.add(Metric::MemoryUntracked, device.untracked);
    series.add(Metric::MemoryIdle, device.idle);
    series.add(Metric::DeviceMemory, device.bytes);
    if let Some([held, idle, uncertain]) = said.held(device) {
        series.add(Metric::Held, Nanos(held));
        series.add(Metric::Idle, Nanos(idle));
        series.add(Metric::Uncertain, Nanos(uncertain));
        series.add(Metric::Running, Nanos(device.running_byte_ns));
    }
    counts(series, &device.counts);
}

fn sms(series: &mut Series, report: &Report, device: &DeviceReport) {
    if device.sms > 0 {
        series.add(Metric::DeviceSms, device.sms);
    }
    if let Some(sms) = Sms::of(report, device) {
        series.add(Metric::SmsGranted, sms.granted);
        if sms.asked.is_some() {
            series.add(Metric::ShareEnforced, u8::from(sms.by_mps));
        }
        if sms.by_mps {
            series.add(Metric::ShareExclusive, u8::from(sms.exclusive));
        }
    }
}

fn counts(series: &mut Series, counts: &Counts) {
    let happenings = [Memory::Taken, Memory::Freed, Memory::Refused];
    for kind in Kind::ALL {
        let all = happenings.map(|what| counts.memory(kind, what));
        // There are many, and a client knows few of them.
        if all == [(0, 0); 3] {
            continue;
        }
        let by = ("kind", kind.name());
        let metrics = [
            (Metric::Allocations, Metric::Allocated),
            (Metric::Frees, Metric::Freed),
            (Metric::Refusals, Metric::Refused),
        ];
        for ((calls, bytes), (how_often, how_much)) in metrics.into_iter().zip(all) {
            series.add_by(calls, by, how_often);
            series.add_by(bytes, by, how_much);
        }
    }
    for direction in Direction::ALL {
        let (calls, bytes) = counts.copied(direction);
        if (calls, bytes) != (0, 0) {
            let by = ("direction", direction.name());
            series.add_by(Metric::Copies, by, calls);
            series.add_by(Metric::Copied, by, bytes);
        }
    }
    for (kind, what) in [
        ("kernel", Count::Kernels),
        ("cooperative", Count::Cooperative),
        ("graph", Count::GraphKernels),
    ] {
        series.add_by(Metric::Launches, ("kind", kind), counts.of(what));
    }
    for (metric, what) in [
        (Metric::GraphLaunches, Count::Graphs),
        (Metric::Fills, Count::Fills),
        (Metric::Filled, Count::FillBytes),
        (Metric::Waits, Count::Waits),
        (Metric::ContextsMade, Count::ContextsMade),
        (Metric::ContextsGone, Count::ContextsGone),
        (Metric::ModulesLoaded, Count::ModulesLoaded),
        (Metric::ModulesUnloaded, Count::ModulesUnloaded),
        (Metric::Faults, Count::Faults),
    ] {
        series.add(metric, counts.of(what));
    }
    series.add(Metric::Waited, Nanos(counts.of(Count::WaitedNs).into()));
}
