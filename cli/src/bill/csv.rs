//! Bills as RFC 4180 has tables: one row for each device of each client, whole numbers in base units.
#![forbid(unsafe_code)]

use super::account::{Bill, OfDevice};
use super::json::{epoch_text, since_name, state_name};
use super::usage::{NAMES, Usage};

const FIRST: [&str; 13] = [
    "client",
    "epoch",
    "state",
    "since",
    "from_unix_ns",
    "to_unix_ns",
    "members_joined",
    "members_left",
    "members_died",
    "uuid",
    "held_byte_ns",
    "uncertain_byte_ns",
    "peak_bytes",
];

/// Came later, and so stands behind the others.
const LAST: &str = "idle_byte_ns";

pub fn text(bills: &[Bill]) -> String {
    let names = FIRST.into_iter().chain(NAMES).chain([LAST]).map(str::to_owned);
    let mut text = row(names);
    for bill in bills {
        if bill.usages.is_empty() {
            text += &row(client(bill)
                .into_iter()
                .chain(std::iter::repeat_n(String::new(), 5 + NAMES.len())));
        }
        for (device, usage) in bill.each() {
            text += &row(client(bill).into_iter().chain(figures(device, usage)));
        }
    }
    text
}

fn client(bill: &Bill) -> Vec<String> {
    let account = &bill.account;
    let members = [bill.members.joined, bill.members.left, bill.members.died];
    let mut fields = vec![
        account.client.clone(),
        epoch_text(account.epoch),
        state_name(account.state).to_owned(),
        since_name(bill.since).to_owned(),
        bill.from.to_string(),
        account.until.to_string(),
    ];
    fields.extend(members.map(|number| number.to_string()));
    fields
}

fn figures(device: &OfDevice, usage: &Usage) -> Vec<String> {
    let mut fields = vec![
        device.uuid.to_string(),
        usage.held.to_string(),
        usage.uncertain.to_string(),
        device.peak.to_string(),
    ];
    fields.extend(usage.figures.map(|figure| figure.to_string()));
    fields.push(usage.idle.to_string());
    fields
}

fn row(fields: impl IntoIterator<Item = String>) -> String {
    let fields: Vec<String> = fields.into_iter().map(quoted).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: String) -> String {
    if field.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        let fields = ["a", "b,c", "d\"e", "f\r\ng", ""].map(str::to_owned);
        assert_eq!(row(fields), "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",\r\n");
    }
}
