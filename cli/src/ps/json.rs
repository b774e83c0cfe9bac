//! Clients for other programs. Names and values come from files others write: what could steer a
//! terminal is escaped.
#![forbid(unsafe_code)]

use std::fmt::Write;

use cuota_core::book::{DeviceReport, Fault, MemberReport, Report};
use cuota_core::config::Uuid;
use serde_json::{Map, Value, json};

use crate::ledgers::{Client, Ledgers};
use crate::places::Places;
use crate::{screen, times};

pub fn text(places: &Places, found: &Ledgers) -> String {
    let unreadable = |unreadable: &crate::ledgers::Unreadable| json!({ "file": unreadable.file.to_string_lossy(), "why": unreadable.why });
    let all = json!({
        "directory": places.directories.iter().map(|it| it.to_string_lossy()).collect::<Vec<_>>(),
        "clients": found.clients.iter().map(client).collect::<Vec<_>>(),
        "unreadable": found.unreadable.iter().map(unreadable).collect::<Vec<_>>(),
    });
    escaped(&format!("{all:#}\n"))
}

fn client(client: &Client) -> Value {
    let report = &client.report;
    json!({
        "client": client.name,
        "file": client.file.to_string_lossy(),
        "epoch": report.epoch,
        "created_unix": report.created_wall / 1_000_000_000,
        "labels": labels(&report.labels),
        "devices": report.devices.iter().map(device).collect::<Vec<_>>(),
        "members": report.members.iter().map(|it| member(it, report)).collect::<Vec<_>>(),
    })
}

/// `name=value,…`
pub fn labels(text: &str) -> Map<String, Value> {
    let pairs = text.split(',').filter_map(|entry| entry.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

fn device(device: &DeviceReport) -> Value {
    json!({
        "uuid": Uuid(device.uuid).to_string(),
        "total": device.bytes,
        "sms": (device.sms > 0).then_some(device.sms),
        "limit": device.limit,
        "by_command": device.by_command,
        "used": device.used,
        "untracked": device.untracked,
        "idle": device.idle,
        "peak": device.peak,
        "refused": device.refused,
        "refused_bytes": device.refused_bytes,
    })
}

fn member(member: &MemberReport, report: &Report) -> Value {
    let devices: Vec<Value> = member
        .shares
        .iter()
        .filter_map(|share| {
            let device = report.devices.iter().find(|device| device.index == share.device)?;
            let uuid = Uuid(device.uuid).to_string();
            Some(json!({
                "uuid": uuid,
                "used": share.used,
                "untracked": share.untracked,
                "idle": share.idle,
            }))
        })
        .collect();
    let grants = member.grants.iter().filter_map(|(index, grant)| {
        let device = report.devices.iter().find(|device| device.index == *index)?;
        let uuid = Uuid(device.uuid).to_string();
        Some(json!({
            "uuid": uuid,
            "sms": grant.sms,
            "by_mps": grant.by_mps,
            "exclusive": grant.exclusive,
        }))
    });
    json!({
        "id": member.id,
        "alive": member.alive,
        "pid": member.pid,
        "pid_namespace": member.pid_namespace,
        "user": member.user,
        "name": member.name,
        "devices": devices,
        "share_asked": member.asked.map(|share| share.to_string()),
        "grants": grants.collect::<Vec<_>>(),
        "fault": member.fault.as_ref().map(|fault| lost(fault, report)),
    })
}

/// What took a device from a member.
fn lost(fault: &Fault, report: &Report) -> Value {
    let device = report.devices.iter().find(|device| device.index == fault.device);
    let culprit = fault.culprit.as_ref();
    json!({
        "unix_ns": times::of_boot((report.created_wall, report.created_boot), fault.time),
        "uuid": device.map(|device| Uuid(device.uuid).to_string()),
        "status": fault.status,
        "call": fault.call,
        "function": (fault.function != 0).then_some(fault.function),
        "stream": fault.stream,
        "verdict": fault.verdict.name(),
        "busy": fault.busy,
        "members": fault.members,
        "culprit": culprit.map(|(client, pid)| json!({ "client": client, "pid": pid })),
    })
}

/// JSON escapes the oldest control characters; the others stand only within strings, and can be
/// escaped as they are.
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter != '\n' && screen::steers(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_means_the_same() {
        let value = json!({ "a\u{9b}b": "\u{1b}[31m\u{7f}\u{202e}é\n" });
        let text = escaped(&format!("{value:#}"));
        assert!(!text.chars().any(|letter| letter != '\n' && screen::steers(letter)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn labels_are_read_as_they_are_written() {
        let read = labels("pod=a,b=c=d,empty=,odd");
        assert_eq!(Value::Object(read), json!({ "pod": "a", "b": "c=d", "empty": "" }));
        assert!(labels("").is_empty());
    }
}
