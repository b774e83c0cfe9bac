//! What may not fall from one scrape to the next though a ledger's figures for it may: they are
//! derived from several of its words, which are not read at one moment.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use cuota_core::book::{DeviceReport, Report};

use crate::ledgers::Client;

/// What was said last of a client.
#[derive(Default)]
pub struct Said {
    epoch: u64,
    died: u64,
    held: HashMap<[u8; 16], [u128; 3]>,
}

impl Said {
    pub fn died(&mut self, report: &Report) -> u64 {
        self.died = self.died.max(report.died);
        self.died
    }

    /// Bytes·ns for certain, of those idle, and uncertain: as before where they could not be read as of
    /// one moment.
    pub fn held(&mut self, device: &DeviceReport) -> Option<[u128; 3]> {
        let before = self.held.get(&device.uuid).copied();
        let [idle, _] = device.idle();
        let now = [device.held_byte_ns, idle, device.uncertain_byte_ns];
        let held = match before {
            None if !device.settled => return None,
            Some(before) if !device.settled => before,
            None => now,
            Some([held, idle, uncertain]) => {
                [held.max(now[0]), idle.max(now[1]), uncertain.max(now[2])]
            }
        };
        self.held.insert(device.uuid, held);
        Some(held)
    }
}

/// All clients of the last scrape; who was not there any more is forgotten.
#[derive(Default)]
pub struct Keep {
    before: HashMap<String, Said>,
    now: HashMap<String, Said>,
}

impl Keep {
    pub fn begin(&mut self) {
        self.before = std::mem::take(&mut self.now);
    }

    /// What was said of this client's ledger; nothing of an earlier one.
    pub fn of(&mut self, client: &Client) -> &mut Said {
        let epoch = client.report.epoch;
        let before = self.before.remove(&client.name).filter(|said| said.epoch == epoch);
        let said = before.unwrap_or(Said { epoch, ..Said::default() });
        self.now.entry(client.name.clone()).or_insert(said)
    }

    /// Whether this scrape has had that client already.
    pub fn has(&self, name: &str) -> bool {
        self.now.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(epoch: u64, died: u64, held: u128, settled: bool) -> Client {
        let device = DeviceReport { held_byte_ns: held, settled, ..DeviceReport::default() };
        let report = Report { epoch, died, devices: vec![device], ..Report::default() };
        Client { name: "a".into(), file: "/a".into(), report }
    }

    fn said(keep: &mut Keep, client: &Client) -> (u64, Option<u128>) {
        keep.begin();
        let said = keep.of(client);
        (said.died(&client.report), said.held(&client.report.devices[0]).map(|[held, ..]| held))
    }

    #[test]
    fn nothing_falls_until_the_ledger_is_another() {
        let mut keep = Keep::default();
        for (read, expected) in [
            ((1, 2, 50, false), (2, None)),
            ((1, 2, 5, true), (2, Some(5))),
            ((1, 1, 4, true), (2, Some(5))),
            ((1, 3, 900, false), (3, Some(5))),
            ((1, 3, 6, true), (3, Some(6))),
            ((2, 0, 1, true), (0, Some(1))),
        ] {
            let (epoch, died, held, settled) = read;
            assert_eq!(said(&mut keep, &client(epoch, died, held, settled)), expected, "{read:?}");
        }
        keep.begin();
        assert!(!keep.has("a"));
        assert_eq!(said(&mut keep, &client(2, 0, 0, true)), (0, Some(0)), "forgotten");
    }
}
