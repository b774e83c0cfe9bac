//! What a client is called and labelled.
#![forbid(unsafe_code)]

use std::time::Duration;

pub(super) const A_NAME: &str = "1 to 63 letters, digits and ._- without a dot in front";
pub(super) const LABELS: &str = "up to 16 NAME=VALUE after commas, names of letters, digits and _ \
    but not client, device, gpu or uuid and none twice, values up to 128 bytes, 1024 in all";

/// How such a name begins.
const RUN: &str = "run-";
const LONGEST_NAME: usize = 63;
const MOST_LABELS: usize = 16;
const LONGEST_VALUE: usize = 128;
const LONGEST_LABELS: usize = 1024;
/// Labels that the metrics have of their own.
const RESERVED: [&str; 5] = ["client", "UUID", "gpu", "uuid", "device"];

/// Whether a client may be called that: it is also a file's name, hence no path and no dot first.
pub fn is_client_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The name of a `cuota run` that was given none: unlike any other's, also where several PID
/// namespaces share a directory. `time` is since boot.
pub fn name_of_run(pid: u32, time: Duration) -> String {
    format!("{RUN}{pid}-{:x}", time.as_micros())
}

/// Whether nobody chose that name: it says which processes belong together, and not that somebody
/// meant a limit for all of them.
pub(super) fn is_name_of_run(text: &str) -> bool {
    let parts = text.strip_prefix(RUN).and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(pid, time)| {
        pid.bytes().all(|byte| byte.is_ascii_digit())
            && time.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) fn name(text: &str) -> Option<String> {
    is_client_name(text).then(|| text.to_owned())
}

/// A list of `NAME=VALUE`. A value may be empty, as one filled in from elsewhere can be.
pub(super) fn labels(text: &str) -> Option<Vec<(String, String)>> {
    if text.len() > LONGEST_LABELS {
        return None;
    }
    let mut labels: Vec<(String, String)> = Vec::new();
    for entry in text.split(',') {
        let (name, value) = entry.split_once('=')?;
        let known = labels.iter().any(|(known, _)| known == name);
        let full = labels.len() == MOST_LABELS;
        if known || full || !is_label(name) || !is_value(value) {
            return None;
        }
        labels.push((name.to_owned(), value.to_owned()));
    }
    Some(labels)
}

fn is_label(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
        && !RESERVED.contains(&name)
}

fn is_value(value: &str) -> bool {
    value.len() <= LONGEST_VALUE && !value.chars().any(char::is_control)
}
