//! Which limits of which devices were asked for.
#![forbid(unsafe_code)]

use cuota_core::book::DeviceReport;
use cuota_core::config::{Complaint, Config, DeviceName, Limits, Uuid};

use super::{Change, failed};
use crate::command::Failure;
use crate::ledgers::Client;

/// The word for no quota.
const NONE: &str = "none";

#[derive(Debug)]
pub enum Wanted {
    NoQuota,
    Limits(Limits),
}

impl Wanted {
    /// Read as the library reads CUOTA_VRAM.
    pub fn parse(text: &str) -> Result<Wanted, Failure> {
        if text == NONE {
            return Ok(Wanted::NoQuota);
        }
        let variable = |name: &str| (name == "CUOTA_VRAM").then(|| text.into());
        let (config, complaints) = Config::parse(&variable);
        match complaints.first().map(Complaint::objection) {
            Some(objection) => {
                Err(Failure::ours(format!("--vram: {objection}; or {NONE} for no quota")))
            }
            None if config.vram.is_empty() => Err(Failure::ours("--vram: says nothing")),
            None => Ok(Wanted::Limits(config.vram)),
        }
    }

    /// What is to be changed; at least one device.
    pub fn of<'a>(
        &self,
        client: &'a Client,
        device: Option<&str>,
    ) -> Result<Vec<Change<'a>>, Failure> {
        let all = &client.report.devices;
        if all.is_empty() {
            return Err(failed(format!(
                "client {} has no device yet: its program has not initialised CUDA\nTry again when `cuota ps` shows one.",
                client.name
            )));
        }
        let listed: &[(DeviceName, _)] = match self {
            Wanted::NoQuota => &[],
            Wanted::Limits(limits) => &limits.each,
        };
        if device.is_some() && !listed.is_empty() {
            return Err(Failure::ours("--vram names devices itself: leave out --device"));
        }
        for (name, _) in listed {
            let text = match name {
                DeviceName::Uuid(uuid) => uuid.to_string(),
                DeviceName::Ordinal(ordinal) => ordinal.to_string(),
            };
            the_one(client, &text)?;
        }
        let chosen = match device {
            Some(text) => vec![the_one(client, text)?],
            None => all.iter().collect(),
        };
        let change = |device: &'a DeviceReport| match self {
            Wanted::NoQuota => Some((device, None)),
            Wanted::Limits(limits) => {
                let ordinal = u32::try_from(device.index).ok();
                let size = limits.for_device(&Uuid(device.uuid), ordinal)?;
                Some((device, Some(size.of(device.bytes))))
            }
        };
        Ok(chosen.into_iter().filter_map(change).collect())
    }
}

/// The device of that number, or whose UUID alone begins so.
fn the_one<'a>(client: &'a Client, text: &str) -> Result<&'a DeviceReport, Failure> {
    let begins = |device: &&DeviceReport| {
        let uuid = Uuid(device.uuid).to_string();
        text.len() > "GPU-".len() && uuid.starts_with(&text.to_lowercase().replace("gpu-", "GPU-"))
    };
    let index: Option<usize> = text.parse().ok();
    let all = &client.report.devices;
    let found: Vec<_> = match index {
        Some(index) => all.iter().filter(|device| device.index == index).collect(),
        None => all.iter().filter(begins).collect(),
    };
    match found[..] {
        [device] => Ok(device),
        _ => {
            let how = if found.is_empty() { "no device" } else { "several devices" };
            let all: String = all
                .iter()
                .map(|device| format!("\n{} is {}", device.index, Uuid(device.uuid)))
                .collect();
            Err(failed(format!("client {} has {how} {text:?}; it has:{all}", client.name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use cuota_core::book::Report;

    use super::*;

    fn client(uuids: &[[u8; 16]]) -> Client {
        let device = |(index, uuid): (usize, &[u8; 16])| DeviceReport {
            index,
            uuid: *uuid,
            bytes: 1000,
            ..DeviceReport::default()
        };
        let devices = uuids.iter().enumerate().map(device).collect();
        let report = Report { devices, ..Report::default() };
        Client { name: "a".into(), file: "/a".into(), report }
    }

    fn asked(vram: &str, device: Option<&str>) -> Result<Vec<(usize, Option<u64>)>, String> {
        let client = client(&[[0xab; 16], [0xac; 16]]);
        let changes = Wanted::parse(vram).and_then(|wanted| {
            let changes = wanted.of(&client, device)?;
            Ok(changes.iter().map(|(device, limit)| (device.index, *limit)).collect())
        });
        changes.map_err(|failure| failure.text)
    }

    #[test]
    fn of_all_devices_or_of_those_named() {
        assert_eq!(asked("7", None), Ok(vec![(0, Some(7)), (1, Some(7))]));
        assert_eq!(asked("none", None), Ok(vec![(0, None), (1, None)]));
        assert_eq!(asked("50%", Some("1")), Ok(vec![(1, Some(500))]));
        for name in ["GPU-ac", "gpu-ACac", "GPU-acacacac-acac-acac-acac-acacacacacac"] {
            assert_eq!(asked("none", Some(name)), Ok(vec![(1, None)]), "{name}");
        }
        let uuid = "GPU-acacacac-acac-acac-acac-acacacacacac";
        assert_eq!(asked(&format!("{uuid}=5"), None), Ok(vec![(1, Some(5))]));
        assert_eq!(asked("0=5,9", None), Ok(vec![(0, Some(5)), (1, Some(9))]));
    }

    #[test]
    fn what_is_not_there_or_not_clear_is_said() {
        for (vram, device, text) in [
            ("lots", None, "CUOTA_VRAM=\"lots\" cannot be read"),
            ("", None, "says nothing"),
            ("0", None, "cannot be read"),
            ("7", Some("2"), "no device \"2\""),
            ("7", Some("GPU-"), "no device"),
            ("7", Some("ab"), "no device"),
            ("7", Some("GPU-a"), "several devices"),
            ("2=7", None, "no device \"2\""),
            ("0=7", Some("1"), "leave out --device"),
        ] {
            let said = asked(vram, device).expect_err(vram);
            assert!(said.contains(text), "{said}");
        }
        let failure = Wanted::NoQuota.of(&client(&[]), None).expect_err("no device");
        assert!(failure.text.contains("has no device yet"), "{}", failure.text);
    }
}
