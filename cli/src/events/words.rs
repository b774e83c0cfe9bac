//! An event as a line that people read.
#![forbid(unsafe_code)]

use cuota_core::book::{Event, Heard, Kind, Verdict};
use cuota_core::kind::Kind as How;
use cuota_core::ledger::UNLIMITED;

use super::batch::Record;
use super::facts::Facts;
use crate::screen;
use crate::sizes::{quota, short};
use crate::times;

/// A longer name pushes what follows to the right.
pub const WIDEST_NAME: usize = 32;

pub fn line(record: &Record, width: usize) -> String {
    let (facts, clock) = (&*record.facts, times::clock(record.moment));
    let client = &facts.client;
    match record.heard {
        Heard::Lost(count) => {
            let events = screen::count(usize::try_from(count).unwrap_or(usize::MAX), "event");
            format!("{clock}  {client:<width$}  lost {events} of client {client}\n")
        }
        Heard::Event { event, .. } => {
            let device = event.device.map_or_else(String::new, |index| match facts.device(index) {
                Some(device) => device.name.clone(),
                None => index.to_string(),
            });
            let (who, what) = (who(facts, &event), what(&event));
            format!("{clock}  {client:<width$}  {device:<14}  {who:<16}  {what}\n")
        }
    }
}

fn who(facts: &Facts, event: &Event) -> String {
    match facts.member(event.member) {
        _ if event.member == 0 => "cuota set".to_owned(),
        Some(member) => match &member.name {
            Some(name) => format!("{} {name}", member.pid),
            None => member.pid.to_string(),
        },
        None => format!("member {}", event.member),
    }
}

/// What happened, in a few words.
pub fn what(event: &Event) -> String {
    let [first, second, third] = event.payload;
    let how = how(third).unwrap_or("of a kind not known here");
    match event.kind {
        Kind::Joined => "joined".into(),
        Kind::Left => "left".into(),
        Kind::Died if second == 0 => "died, held nothing".into(),
        Kind::Died => format!("died, gave back {}", short(second)),
        Kind::ContextCreated => format!("made context {first:#x}, which takes {}", short(second)),
        Kind::ContextDestroyed => format!("destroyed context {first:#x}"),
        Kind::Allocated => format!("allocated {} ({how}){}", short(first), at(second)),
        Kind::Freed => format!("freed {} ({how}){}", short(first), at(second)),
        Kind::Refused => {
            format!("refused {}: holds {}", short(first), of(third, second))
        }
        Kind::LimitChanged => format!("limit {} -> {}", quota(limit(second)), quota(limit(first))),
        Kind::ShareGranted => {
            let all = if second == 0 { String::new() } else { format!(" of {second}") };
            let by = match third {
                1 => "by MPS",
                2 => "reserved: a partition of MPS",
                _ => "unlimited: no MPS",
            };
            format!("may use {first}{all} SMs ({by})")
        }
        Kind::Fault => fault(first, second, third),
        Kind::Untracked => {
            format!("the driver itself holds {}, before {}", short(first), short(second))
        }
    }
}

/// "lost the device: 700, by the work of process 12, which alone of 8 had any in flight".
fn fault(what: u64, seen: u64, pid: u64) -> String {
    let (status, busy, all) = (what as u32, seen as u32, seen >> 32);
    let by = match Verdict::from_word(what >> 32) {
        Verdict::Own => "by its own work".into(),
        Verdict::Other => format!("by the work of process {pid}"),
        Verdict::Nobody => "by the MPS server's end, or its own there".into(),
        Verdict::Unknown => "by whose work is unknown".into(),
    };
    format!("lost the device ({status}) {by}; {busy} of {all} had work in flight")
}

/// Where, if that is known.
fn at(name: u64) -> String {
    if name == 0 { String::new() } else { format!(" at {name:#x}") }
}

/// "7.50 of 8 GiB".
fn of(held: u64, most: u64) -> String {
    let (held, most) = (short(held), short(most));
    match (held.split_once(' '), most.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number} of {most}"),
        _ => format!("{held} of {most}"),
    }
}

pub fn limit(word: u64) -> Option<u64> {
    (word != UNLIMITED).then_some(word)
}

/// By which way memory came to be held.
pub fn how(code: u64) -> Option<&'static str> {
    let code = usize::try_from(code).ok()?;
    How::ALL.get(code).copied().map(How::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn each_kind_in_words() {
        let said = |kind, payload| what(&Event { time: 0, member: 1, kind, device: None, payload });
        let address = 0x7f00_0020_0000;
        for (kind, payload, expected) in [
            (Kind::Joined, [42, 0, 0], "joined"),
            (Kind::Left, [42, 0, 0], "left"),
            (Kind::Died, [42, 3 * GIB, 0], "died, gave back 3 GiB"),
            (Kind::Died, [42, 0, 0], "died, held nothing"),
            (Kind::ContextCreated, [16, 300 << 20, 0], "made context 0x10, which takes 300 MiB"),
            (Kind::ContextDestroyed, [16, 0, 0], "destroyed context 0x10"),
            (
                Kind::Allocated,
                [512 << 20, address, How::Linear as u64],
                "allocated 512 MiB (linear) at 0x7f0000200000",
            ),
            (Kind::Freed, [GIB, 1, How::Vmm as u64], "freed 1 GiB (vmm) at 0x1"),
            (Kind::Freed, [GIB, 0, How::Vmm as u64], "freed 1 GiB (vmm)"),
            (Kind::Freed, [GIB, 1, 1 << 40], "freed 1 GiB (of a kind not known here) at 0x1"),
            (Kind::Refused, [2 * GIB, 8 * GIB, 15 * GIB / 2], "refused 2 GiB: holds 7.50 of 8 GiB"),
            (Kind::Refused, [1, GIB, 512 << 20], "refused 1 B: holds 512 MiB of 1 GiB"),
            (Kind::LimitChanged, [4 * GIB, 8 * GIB, 0], "limit 8 GiB -> 4 GiB"),
            (Kind::LimitChanged, [UNLIMITED, GIB, 0], "limit 1 GiB -> none"),
            (Kind::ShareGranted, [38, 132, 1], "may use 38 of 132 SMs (by MPS)"),
            (Kind::ShareGranted, [66, 0, 1], "may use 66 SMs (by MPS)"),
            (
                Kind::ShareGranted,
                [32, 132, 2],
                "may use 32 of 132 SMs (reserved: a partition of MPS)",
            ),
            (Kind::ShareGranted, [132, 132, 0], "may use 132 of 132 SMs (unlimited: no MPS)"),
            (
                Kind::Fault,
                [700 | 1 << 32, 1 | 8 << 32, 0],
                "lost the device (700) by its own work; 1 of 8 had work in flight",
            ),
            (
                Kind::Fault,
                [719 | 2 << 32, 1 | 8 << 32, 17],
                "lost the device (719) by the work of process 17; 1 of 8 had work in flight",
            ),
            (
                Kind::Fault,
                [700, 3 | 8 << 32, 0],
                "lost the device (700) by whose work is unknown; 3 of 8 had work in flight",
            ),
            (Kind::Untracked, [GIB, 0, 0], "the driver itself holds 1 GiB, before 0 B"),
        ] {
            assert_eq!(said(kind, payload), expected);
        }
    }
}
