//! What is found of one client, and of each card.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use cuota_core::book::DeviceReport;

use super::idle::Idle;
use super::size::{self, Advice};
use super::watch::{Samples, Watch};
use crate::ledgers::Client;

pub struct Finding<'a> {
    pub client: &'a Client,
    pub idle: Option<Idle>,
    pub devices: Vec<Found<'a>>,
}

/// Of a client on one device.
pub struct Found<'a> {
    pub device: &'a DeviceReport,
    /// Bytes held at any moment since the ledger was made.
    pub average: Option<u64>,
    pub advice: Advice,
    pub samples: Option<Samples>,
}

impl Finding<'_> {
    pub fn of<'a>(client: &'a Client, watch: &Watch, now: u64) -> Finding<'a> {
        let report = &client.report;
        let age = now.saturating_sub(report.created_wall);
        let found = |device: &'a DeviceReport| Found {
            device,
            average: average(device.held_byte_ns.saturating_add(device.running_byte_ns), age),
            advice: size::advise(device),
            samples: watch.samples(client, device),
        };
        let devices = report.devices.iter().map(found).collect();
        Finding { client, idle: Idle::of(client, watch), devices }
    }
}

fn average(byte_ns: u128, age: u64) -> Option<u64> {
    let bytes = byte_ns.checked_div(age.into())?;
    Some(u64::try_from(bytes).unwrap_or(u64::MAX))
}

/// What all the clients of one card come to.
#[derive(Default)]
pub struct Card {
    /// What it has.
    pub bytes: u64,
    pub clients: usize,
    pub peaks: u64,
    pub quotas: u64,
    /// Clients without a quota, which the sum of quotas leaves out.
    pub unlimited: usize,
    pub suggested: u64,
}

/// By UUID.
pub fn cards(findings: &[Finding]) -> BTreeMap<[u8; 16], Card> {
    let mut cards: BTreeMap<[u8; 16], Card> = BTreeMap::new();
    for found in findings.iter().flat_map(|finding| &finding.devices) {
        let device = found.device;
        let card = cards.entry(device.uuid).or_default();
        card.bytes = card.bytes.max(device.bytes);
        card.clients += 1;
        card.peaks = card.peaks.saturating_add(device.peak);
        card.quotas = card.quotas.saturating_add(device.limit.unwrap_or(0));
        card.unlimited += usize::from(device.limit.is_none());
        card.suggested = card.suggested.saturating_add(found.advice.quota.unwrap_or(0));
    }
    cards
}
