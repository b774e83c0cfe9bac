//! The advice as a table of 80 columns.
#![forbid(unsafe_code)]

use std::fmt::Write;

use cuota_core::config::Uuid;

use super::finding::{Card, Finding, Found, cards};
use crate::ledgers::device_name;
use crate::screen;
use crate::sizes::short;

/// What is left of a line for the client's name; a longer one has a line of its own.
const WIDEST_NAME: usize = 19;
const INDENT: &str = "    ";

pub fn text(findings: &[Finding], watched: bool) -> String {
    let widest = findings.iter().map(|finding| finding.client.name.len()).max().unwrap_or(0);
    let width = widest.clamp("CLIENT".len(), WIDEST_NAME);
    let head = ["DEVICE", "PEAK", "AVERAGE", "QUOTA", "UNTRACKED", "REFUSED"].map(str::to_owned);
    let mut text = line(width, "CLIENT", head);
    for finding in findings {
        let mut name = finding.client.name.as_str();
        if name.len() > WIDEST_NAME {
            let _ = writeln!(text, "{name}");
            name = "";
        }
        if finding.devices.is_empty() {
            let _ = writeln!(text, "{name:<width$} no device yet");
        }
        for found in &finding.devices {
            text += &line(width, name, figures(found));
            text += &screen::wrapped(INDENT, &found.advice.why);
            text += &fit(found);
            text += &samples(found);
        }
        if let Some(idle) = &finding.idle {
            text += &screen::wrapped(INDENT, &idle.words());
        }
    }
    for (uuid, card) in cards(findings) {
        text += &screen::wrapped("", &total(&Uuid(uuid).to_string(), &card));
    }
    if !watched {
        text +=
            &screen::wrapped("", "Ledgers keep no percentiles: watch for some with --watch 10m.");
    }
    text
}

fn figures(found: &Found) -> [String; 6] {
    let device = found.device;
    [
        device_name(device),
        short(device.peak),
        found.average.map_or("-".to_owned(), short),
        device.limit.map_or("-".to_owned(), short),
        short(device.untracked),
        device.refused.to_string(),
    ]
}

fn line(width: usize, name: &str, figures: [String; 6]) -> String {
    let [device, peak, average, quota, untracked, refused] = figures;
    format!(
        "{name:<width$} {device:<14.14} {peak:>8} {average:>8} {quota:>8} {untracked:>9} {refused:>7}\n"
    )
}

fn fit(found: &Found) -> String {
    let ways = ["by peak", "by quota", "by the suggestion"].into_iter().zip(found.advice.fit);
    let ways: Vec<String> =
        ways.filter_map(|(way, fit)| fit.map(|fit| format!("{fit} {way}"))).collect();
    if ways.is_empty() {
        return String::new();
    }
    let bytes = short(found.device.bytes);
    screen::wrapped(INDENT, &format!("of this size fit on its {bytes}: {}", ways.join(", ")))
}

fn samples(found: &Found) -> String {
    let Some(samples) = &found.samples else { return String::new() };
    let [p50, p95, p99, max] = [samples.p50, samples.p95, samples.p99, samples.max].map(short);
    let count = screen::count(samples.count, "sample");
    screen::wrapped(INDENT, &format!("held in {count}: p50 {p50}, p95 {p95}, p99 {p99}, max {max}"))
}

fn total(uuid: &str, card: &Card) -> String {
    let unlimited = match card.unlimited {
        0 => String::new(),
        clients => format!(" ({} without)", screen::count(clients, "client")),
    };
    format!(
        "{uuid}, {}: {}, peaks {}, quotas {}{unlimited}, suggested {}",
        short(card.bytes),
        screen::count(card.clients, "client"),
        short(card.peaks),
        short(card.quotas),
        short(card.suggested),
    )
}
