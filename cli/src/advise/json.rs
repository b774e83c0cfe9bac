//! The advice for other programs, in bytes and nanoseconds.
#![forbid(unsafe_code)]

use cuota_core::config::Uuid;
use serde_json::{Value, json};

use super::finding::{Card, Finding, Found, cards};
use super::idle::{Idle, Why};
use super::watch::Samples;
use crate::ledgers::Unreadable;
use crate::ps::json::escaped;

pub fn text(findings: &[Finding], unreadable: &[Unreadable]) -> String {
    let named = |it: &Unreadable| json!({ "file": it.file.to_string_lossy(), "why": it.why });
    let cards = cards(findings);
    let all = json!({
        "clients": findings.iter().map(client).collect::<Vec<_>>(),
        "cards": cards.iter().map(|(uuid, it)| card(*uuid, it)).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(named).collect::<Vec<_>>(),
    });
    escaped(&format!("{all:#}\n"))
}

fn client(finding: &Finding) -> Value {
    json!({
        "client": finding.client.name,
        "epoch": finding.client.report.epoch,
        "idle": finding.idle.as_ref().map(idle),
        "devices": finding.devices.iter().map(device).collect::<Vec<_>>(),
    })
}

fn idle(idle: &Idle) -> Value {
    let why = match idle.why {
        Why::NoMember => "no_member",
        Why::Unused => "unused",
        Why::UnusedWhileWatched => "unused_while_watched",
    };
    json!({ "why": why, "since_unix_ns": idle.since })
}

fn device(found: &Found) -> Value {
    let device = found.device;
    let [by_peak, by_limit, by_suggested] = found.advice.fit;
    json!({
        "uuid": Uuid(device.uuid).to_string(),
        "total": device.bytes,
        "limit": device.limit,
        "used": device.used,
        "untracked": device.untracked,
        "peak": device.peak,
        "average": found.average,
        "refused": device.refused,
        "refused_bytes": device.refused_bytes,
        "suggested": found.advice.quota,
        "why": found.advice.why,
        "fit": { "peak": by_peak, "limit": by_limit, "suggested": by_suggested },
        "samples": found.samples.as_ref().map(samples),
    })
}

fn samples(samples: &Samples) -> Value {
    let Samples { count, p50, p95, p99, max } = samples;
    json!({ "count": count, "p50": p50, "p95": p95, "p99": p99, "max": max })
}

fn card(uuid: [u8; 16], card: &Card) -> Value {
    json!({
        "uuid": Uuid(uuid).to_string(),
        "total": card.bytes,
        "clients": card.clients,
        "peak": card.peaks,
        "limit": card.quotas,
        "without_limit": card.unlimited,
        "suggested": card.suggested,
    })
}
