//! Bills for people: 80 columns.
#![forbid(unsafe_code)]

use std::fmt::Write;

use cuota_core::config::Uuid;

use super::account::{Bill, Since, State, totals};
use super::usage::{Figure, Usage};
use crate::dates::utc;
use crate::screen::wrapped;
use crate::sizes::short;

/// What is left of a line for the client's name; a longer one has a line of its own.
const WIDEST_NAME: usize = 19;
/// `GPU-` and the first group of digits.
const SHORT_UUID: usize = 12;

pub fn text(bills: &[Bill]) -> String {
    let heads = ["GiB·h", "UNCERTAIN", "PEAK", "LAUNCHES", "REFUSED"].map(str::to_owned);
    let mut text = line("CLIENT", "DEVICE", heads);
    for bill in bills {
        let mut name = bill.account.client.as_str();
        if name.len() > WIDEST_NAME {
            let _ = writeln!(text, "{name}");
            name = "";
        }
        if bill.usages.is_empty() {
            let what = if bill.account.state == State::Gone { "gone" } else { "no device" };
            let _ = writeln!(text, "{name:<WIDEST_NAME$} {what}");
        }
        for (device, usage) in bill.each() {
            text += &line(name, &short_uuid(&device.uuid), figures(usage, short(device.peak)));
            text += &more(usage);
            name = "";
        }
        text += &period(bill);
    }
    let (each, all) = totals(bills);
    if bills.len() > 1 {
        for (uuid, usage) in &each {
            text += &line("total", &short_uuid(uuid), figures(usage, "-".to_owned()));
            text += &more(usage);
        }
        if each.len() > 1 {
            text += &line("total", "all devices", figures(&all, "-".to_owned()));
            text += &more(&all);
        }
    }
    text
}

fn line(
    name: &str,
    device: &str,
    [held, uncertain, peak, launches, refused]: [String; 5],
) -> String {
    format!(
        "{name:<WIDEST_NAME$} {device:<12} {held:>10} {uncertain:>9} {peak:>8} {launches:>8} {refused:>7}\n"
    )
}

fn short_uuid(uuid: &Uuid) -> String {
    let uuid = uuid.to_string();
    uuid.get(..SHORT_UUID).unwrap_or(&uuid).to_owned()
}

fn figures(usage: &Usage, peak: String) -> [String; 5] {
    [
        gib_hours(usage.held),
        gib_hours(usage.uncertain),
        peak,
        many(usage.figure(Figure::Launches)),
        many(usage.figure(Figure::Refusals)),
    ]
}

/// What has no column.
fn more(usage: &Usage) -> String {
    let bytes = |figure| short(usage.figure(figure));
    let count = |figure, one: &str, several: &str| {
        let number = usage.figure(figure);
        format!("{} {}", many(number), if number == 1 { one } else { several })
    };
    let allocations = count(Figure::Allocations, "allocation", "allocations");
    let copies = count(Figure::Copies, "copy", "copies");
    let mut said = vec![
        format!("{allocations} ({})", bytes(Figure::AllocatedBytes)),
        format!("{copies} ({})", bytes(Figure::CopiedBytes)),
        count(Figure::Graphs, "graph", "graphs"),
    ];
    if usage.idle > 0 {
        said.insert(0, format!("{} GiB·h of it idle in pools", gib_hours(usage.idle)));
    }
    if usage.figure(Figure::Refusals) > 0 {
        said.push(format!("{} refused", bytes(Figure::RefusedBytes)));
    }
    wrapped("    ", &said.join(", "))
}

/// From when to when, and who was there.
fn period(bill: &Bill) -> String {
    let account = &bill.account;
    if account.state == State::Gone {
        return wrapped(
            "    ",
            &format!(
                "its ledger is not there any more, nor a closing bill: what it used after {} UTC is not known",
                utc(account.until)
            ),
        );
    }
    let mut said = vec![format!("{} to {} UTC", utc(bill.from), utc(account.until))];
    if account.state == State::Closed {
        said.push("closed".to_owned());
    }
    if bill.since == Since::NewLedger {
        said.push("another ledger than in the snapshot: all of it".to_owned());
    }
    said.push(format!("{} joined", many(bill.members.joined)));
    if bill.members.died > 0 {
        said.push(format!("{} killed", many(bill.members.died)));
    }
    wrapped("    ", &said.join(", "))
}

/// As people compare them.
fn gib_hours(byte_ns: u128) -> String {
    let hours = byte_ns as f64 / (1_u64 << 30) as f64 / 3600e9;
    match hours {
        _ if byte_ns == 0 => "0".to_owned(),
        ..0.001 => "<0.001".to_owned(),
        ..1000.0 => format!("{hours:.3}"),
        ..1e7 => format!("{hours:.0}"),
        _ => format!("{hours:.2e}"),
    }
}

/// At most seven columns.
fn many(number: u64) -> String {
    match number {
        ..10_000_000 => number.to_string(),
        10_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        _ => format!("{:.2e}", number as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_fit_their_columns() {
        let hour = (1_u128 << 30) * 3_600_000_000_000;
        for (byte_ns, text) in [
            (0, "0"),
            (1, "<0.001"),
            (hour, "1.000"),
            (999 * hour + hour / 2, "999.500"),
            (24 * 365 * 80 * hour, "700800"),
            (u128::MAX, "8.80e16"),
        ] {
            assert_eq!(gib_hours(byte_ns), text);
        }
        assert_eq!([many(9_999_999), many(123_456_789)], ["9999999", "123M"]);
        assert_eq!(many(u64::MAX), "1.84e19");
    }
}
