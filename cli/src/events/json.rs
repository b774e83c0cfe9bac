//! An event as a line for other programs.
#![forbid(unsafe_code)]

use cuota_core::book::{Event, Heard, Kind, Verdict};
use serde_json::{Value, json};

use super::batch::Record;
use super::name_of;
use super::words::{how, limit};
use crate::ps::json::escaped;

pub fn line(record: &Record) -> String {
    let facts = &record.facts;
    let mut line = json!({
        "client": facts.client,
        "epoch": facts.epoch,
        "unix_ns": record.moment,
    });
    let rest = match record.heard {
        Heard::Lost(count) => json!({ "kind": "lost", "events": count }),
        Heard::Event { number, event } => {
            let known = facts.member(event.member);
            let own = json!({
                "kind": name_of(event.kind),
                "number": number,
                "boot_ns": event.time,
                "member": (event.member != 0).then_some(event.member),
                "pid": known.map(|member| member.pid),
                "name": known.and_then(|member| member.name.as_deref()),
                "device": event.device,
                "uuid": event.device.and_then(|index| Some(&facts.device(index)?.uuid)),
            });
            merged(own, payload(&event))
        }
    };
    line = merged(line, rest);
    escaped(&format!("{line}\n"))
}

/// Its payload, by name.
fn payload(event: &Event) -> Value {
    let [first, second, third] = event.payload;
    match event.kind {
        Kind::Joined | Kind::Left => json!({ "pid": first }),
        Kind::Died => json!({ "pid": first, "bytes": second }),
        Kind::ContextCreated => json!({ "context": first, "bytes": second }),
        Kind::ContextDestroyed => json!({ "context": first }),
        Kind::Allocated | Kind::Freed => {
            json!({ "bytes": first, "address": second, "how": how(third) })
        }
        Kind::Refused => json!({ "asked": first, "limit": limit(second), "held": third }),
        Kind::LimitChanged => json!({ "limit": limit(first), "before": limit(second) }),
        Kind::ShareGranted => {
            let all = (second != 0).then_some(second);
            json!({ "sms": first, "of": all, "by_mps": third != 0, "exclusive": third == 2 })
        }
        Kind::Fault => {
            let verdict = Verdict::from_word(first >> 32);
            let culprit = (verdict == Verdict::Other).then_some(third);
            json!({
                "status": first as u32,
                "verdict": verdict.name(),
                "busy": second as u32,
                "members": second >> 32,
                "culprit_pid": culprit,
            })
        }
        Kind::Untracked => json!({ "bytes": first, "before": second }),
    }
}

fn merged(mut into: Value, mut from: Value) -> Value {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object_mut()) {
        into.append(from);
    }
    into
}
