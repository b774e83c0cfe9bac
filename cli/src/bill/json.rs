//! Bills for other programs, which later serve as snapshots to bill against, and the reading of those.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use cuota_core::config::{Uuid, is_client_name};
use serde_json::{Map, Value, json};

use super::account::{Account, Bill, Members, OfDevice, Since, State, totals};
use super::usage::{NAMES, Usage};
use crate::ps::json::{escaped, labels};

/// Everything; `taken` is in nanoseconds since 1970.
pub fn text(directories: &[PathBuf], bills: &[Bill], taken: u64) -> String {
    let (each, all) = totals(bills);
    let of_device = |(uuid, usage): &(Uuid, Usage)| json!({ "uuid": uuid.to_string(), "bill": counters(usage) });
    let value = json!({
        "taken_unix_ns": taken,
        "directory": directories.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "clients": bills.iter().map(bill).collect::<Vec<_>>(),
        "total": {
            "devices": each.iter().map(of_device).collect::<Vec<_>>(),
            "bill": counters(&all),
        },
    });
    escaped(&format!("{value:#}\n"))
}

/// One account, as a closing bill keeps it.
pub fn closing(account: &Account) -> String {
    escaped(&format!("{:#}\n", of_account(account)))
}

fn of_account(account: &Account) -> Value {
    let of_device = |device: &OfDevice| {
        json!({
            "uuid": device.uuid.to_string(),
            "peak_bytes": device.peak,
            "counters": counters(&device.usage),
        })
    };
    json!({
        "client": account.client,
        "epoch": epoch_text(account.epoch),
        "state": state_name(account.state),
        "labels": labels(&account.labels),
        "began_unix_ns": account.began,
        "until_unix_ns": account.until,
        "members": members(account.members),
        "devices": account.devices.iter().map(of_device).collect::<Vec<_>>(),
    })
}

fn bill(bill: &Bill) -> Value {
    let mut value = of_account(&bill.account);
    if let Some(devices) = value.get_mut("devices").and_then(Value::as_array_mut) {
        for (device, usage) in devices.iter_mut().zip(&bill.usages) {
            put(device, "bill", counters(usage));
        }
    }
    let known = bill.account.state != State::Gone;
    let since = since_name(bill.since);
    let new =
        json!({ "since": since, "from_unix_ns": bill.from, "members": members(bill.members) });
    put(&mut value, "bill", if known { new } else { Value::Null });
    value
}

fn put(value: &mut Value, name: &str, what: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), what);
    }
}

/// Sums over time are larger than the numbers of most who read JSON: in quotes.
fn counters(usage: &Usage) -> Value {
    let mut all = Map::new();
    all.insert("held_byte_ns".into(), usage.held.to_string().into());
    all.insert("idle_byte_ns".into(), usage.idle.to_string().into());
    all.insert("uncertain_byte_ns".into(), usage.uncertain.to_string().into());
    for (name, figure) in NAMES.iter().zip(usage.figures) {
        all.insert((*name).to_owned(), figure.into());
    }
    Value::Object(all)
}

fn members(members: Members) -> Value {
    json!({ "joined": members.joined, "left": members.left, "died": members.died })
}

pub fn epoch_text(epoch: u64) -> String {
    format!("{epoch:016x}")
}

pub fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Closed => "closed",
        State::Gone => "gone",
    }
}

pub fn since_name(since: Since) -> &'static str {
    match since {
        Since::Beginning => "beginning",
        Since::NewLedger => "new ledger",
        Since::Snapshot => "snapshot",
    }
}

/// The accounts of a snapshot, or why it is none.
pub fn snapshot(file: &Path, text: &str) -> Result<Vec<Account>, String> {
    let not_one =
        |why: &str| format!("{} is no output of `cuota bill --json`: {why}", file.display());
    let value: Value = serde_json::from_str(text).map_err(|why| not_one(&why.to_string()))?;
    let clients = value.get("clients").and_then(Value::as_array);
    let clients = clients.ok_or_else(|| not_one("it lists no clients"))?;
    let kept = clients.iter().filter(|client| client.get("state") != Some(&"gone".into()));
    kept.map(|client| account(client).ok_or_else(|| not_one("a client of it cannot be read")))
        .collect()
}

/// An account as `of_account` writes it.
pub fn account(value: &Value) -> Option<Account> {
    let text = |name: &str| value.get(name)?.as_str();
    let client = text("client").filter(|name| is_client_name(name))?.to_owned();
    let state = match text("state")? {
        "open" => State::Open,
        "closed" => State::Closed,
        _ => return None,
    };
    let labels = value.get("labels").and_then(Value::as_object);
    let pair = |(name, value): (&String, &Value)| Some(format!("{name}={}", value.as_str()?));
    let labels: Vec<String> = labels.into_iter().flatten().filter_map(pair).collect();
    let devices = value.get("devices")?.as_array()?.iter();
    let members = value.get("members")?;
    Some(Account {
        client,
        epoch: u64::from_str_radix(text("epoch")?, 16).ok()?,
        state,
        labels: labels.join(","),
        began: value.get("began_unix_ns")?.as_u64()?,
        until: value.get("until_unix_ns")?.as_u64()?,
        members: Members {
            joined: members.get("joined")?.as_u64()?,
            left: members.get("left")?.as_u64()?,
            died: members.get("died")?.as_u64()?,
        },
        devices: devices.map(of_device).collect::<Option<_>>()?,
    })
}

fn of_device(value: &Value) -> Option<OfDevice> {
    let uuid = value.get("uuid")?.as_str()?.parse().ok()?;
    let counters = value.get("counters")?;
    let wide = |name| counters.get(name)?.as_str()?.parse::<u128>().ok();
    let mut figures = [0; NAMES.len()];
    for (figure, name) in figures.iter_mut().zip(NAMES) {
        // One that was not counted yet when this was written.
        let Some(value) = counters.get(name) else { continue };
        *figure = value.as_u64()?;
    }
    let (held, uncertain) = (wide("held_byte_ns")?, wide("uncertain_byte_ns")?);
    let idle = if counters.get("idle_byte_ns").is_some() { wide("idle_byte_ns")? } else { 0 };
    let usage = Usage { held, uncertain, idle, figures };
    Some(OfDevice { uuid, peak: value.get("peak_bytes")?.as_u64()?, usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn an_account() -> Account {
        let figures = [u64::MAX; NAMES.len()];
        let usage = Usage { held: u128::MAX, uncertain: 7, idle: 3, figures };
        Account {
            client: "pod-1".into(),
            epoch: u64::MAX - 1,
            state: State::Open,
            labels: "pod=a\u{202e}".into(),
            began: 1,
            until: u64::MAX,
            members: Members { joined: 3, left: 1, died: 2 },
            devices: vec![OfDevice { uuid: Uuid([0xab; 16]), peak: 9, usage }],
        }
    }

    #[test]
    fn what_is_written_is_read_again_to_the_last_digit() {
        let bill = Bill::against(an_account(), &[]);
        let text = text(&[], &[bill], 5);
        assert_eq!(snapshot(Path::new("s"), &text), Ok(vec![an_account()]));
        let kept: Value = serde_json::from_str(&closing(&an_account())).unwrap();
        assert_eq!(account(&kept), Some(an_account()));
        assert!(!text.contains('\u{202e}'));
    }

    #[test]
    fn what_is_no_snapshot_is_said_to_be_none() {
        let good = closing(&an_account());
        let spoilt = [
            ("\"pod-1\"", "\"../pod\""),
            ("\"open\"", "\"ajar\""),
            ("fffffffffffffffe", "+"),
            ("\"uncertain_byte_ns\": \"7\"", "\"uncertain_byte_ns\": \"-7\""),
            ("GPU-ab", "GPU-xx"),
            ("\"joined\": 3", "\"joined\": 3.5"),
        ];
        for (old, new) in spoilt {
            assert!(good.contains(old), "{old}");
            let text = format!("{{\"clients\": [{}]}}", good.replacen(old, new, 1));
            assert!(snapshot(Path::new("s"), &text).is_err(), "{new}");
        }
        for text in ["", "[]", "{}", "{\"clients\": 7}", &"[".repeat(100_000)] {
            assert!(snapshot(Path::new("s"), text).is_err());
        }
    }
}
