//! A sample for other programs, in one line.
#![forbid(unsafe_code)]

use serde_json::{Map, Value, json};

use super::rows::{OnDevice, Row, Sample};
use crate::places::Places;
use crate::ps::json::escaped;

pub fn line(places: &Places, sample: &Sample, unix_ns: u64) -> String {
    let all = json!({
        "time_unix": unix_ns as f64 / 1e9,
        "directory": places.directories.iter().map(|it| it.to_string_lossy()).collect::<Vec<_>>(),
        "clients": sample.clients().filter_map(client).collect::<Vec<_>>(),
        "unreadable": sample.unreadable.iter().map(|it| json!({
            "file": it.file.to_string_lossy(),
            "why": it.why,
        })).collect::<Vec<_>>(),
    });
    escaped(&format!("{all}\n"))
}

fn client(rows: &[Row]) -> Option<Value> {
    let first = rows.first()?;
    Some(json!({
        "client": first.client,
        "file": first.file.to_string_lossy(),
        "epoch": first.epoch,
        "members": first.members,
        "devices": rows.iter().filter_map(|row| Some(device(row.device.as_ref()?))).collect::<Vec<_>>(),
    }))
}

fn device(device: &OnDevice) -> Value {
    // JSON has no numbers of 128 bits; a double is exact enough for hours.
    let byte_hours = device.byte_ns as f64 / 3.6e12;
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
    put("uuid", json!(device.uuid));
    put("total", json!(device.bytes));
    put("limit", json!(device.limit));
    put("by_command", json!(device.by_command));
    put("used", json!(device.used));
    put("peak", json!(device.peak));
    put("refused", json!(device.refused));
    put("byte_hours", json!(byte_hours));
    put("launches", json!(device.flow.launches));
    put("copied_bytes", json!(device.flow.copied));
    if let Some(sms) = &device.sms {
        put("sms", json!(sms.all));
        put("share_asked", json!(sms.asked.map(|share| share.to_string())));
        put("sms_granted", json!(sms.granted));
        put("share_enforced", json!(sms.by_mps));
        put("share_exclusive", json!(sms.exclusive));
    }
    if let Some(rates) = device.rates {
        put("launches_per_second", json!(rates.launches));
        put("copied_bytes_per_second", json!(rates.copied));
    }
    Value::Object(all)
}
