//! Variables that MPS reads for a limit, or would if they were written otherwise.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;

use cuota_core::config::{Config, DeviceName};

use crate::doctor::ask::{Answers, Device};
use crate::doctor::check::{Check, Severity};
use crate::screen::count;

const NAMES: &str = "a variable of another name limits nothing";
const MEMORY: &str = "with one entry that MPS cannot read, or that names a device the process does not see, it passes over the whole list, and over its server's own limits";

const PINNED: &str = "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT";
/// A name seen in the wild.
const MISSPELT: &str = "CUDA_MPS_DEVICE_MEM_LIMIT";

pub fn misspelt() -> Check {
    if env::var_os(MISSPELT).is_none() {
        let found = format!("{MISSPELT}, a name seen elsewhere, is not set");
        return Check::ok("mps-names", NAMES, found);
    }
    Check::ok("mps-names", NAMES, format!("{MISSPELT} is set, which nothing reads"))
        .worse(Severity::Warn, format!("Call it {PINNED}."))
}

/// Nothing where no limit is set.
pub fn memory(told: &Answers) -> Option<Check> {
    let value = env::var_os(PINNED).filter(|value| !value.is_empty())?;
    let devices = matches!(told.init, Some((0, _))).then_some(&told.devices[..]);
    Some(limit(&value, devices))
}

/// The limit held against the devices this process sees, if that is known.
fn limit(value: &OsString, devices: Option<&[Device]>) -> Check {
    let shown = value.display();
    let check = |found| Check::ok("mem-limit", MEMORY, found);
    // Read as the library reads it, for a client that has a name.
    let only = |name: &str| match name {
        PINNED => Some(value.clone()),
        "CUOTA_CLIENT" => Some("any".into()),
        _ => None,
    };
    let (config, complaints) = Config::parse(&only);
    if !complaints.is_empty() {
        return check(format!("{PINNED}={shown} cannot be read")).worse(
            Severity::Warn,
            "Write DEVICE=SIZE, after commas for several: 0=8G,1=512M, or GPU-<uuid>=8G.",
        );
    }
    let Some(devices) = devices else {
        return Check::not_looked_at("mem-limit", MEMORY, "needs a driver that lists its devices");
    };
    let is_seen = |name: &DeviceName| match name {
        DeviceName::Uuid(uuid) => devices.iter().any(|device| device.uuid == *uuid),
        DeviceName::Ordinal(ordinal) => devices.len() > *ordinal as usize,
    };
    let unseen = config.vram.each.iter().map(|(name, _)| name).filter(|name| !is_seen(name));
    let unseen: Vec<String> = unseen
        .map(|name| match name {
            DeviceName::Uuid(uuid) => uuid.to_string(),
            DeviceName::Ordinal(ordinal) => format!("device {ordinal}"),
        })
        .collect();
    if unseen.is_empty() {
        return check(format!("{PINNED}={shown} names devices this process sees"));
    }
    let seen: Vec<String> = devices.iter().map(|device| device.uuid.to_string()).collect();
    let found = format!(
        "{PINNED}={shown} names {}; this process sees {}, counted from 0: {}",
        unseen.join(", "),
        count(devices.len(), "device"),
        seen.join(", ")
    );
    check(found).worse(
        Severity::Warn,
        format!(
            "Take the entry of {} out of the variable, or name the device that was meant.",
            unseen.join(", ")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cuota_core::config::Uuid;

    #[test]
    fn each_entry_names_a_device_that_is_seen() {
        let device = |byte| Device {
            uuid: Uuid([byte; 16]),
            capability: (9, 0),
            compute_mode: 0,
            under_mps: None,
        };
        let devices = [device(0xab), device(0xcd)];
        let of = |text: &str| limit(&text.into(), Some(&devices)).severity;
        let uuid = |byte| Uuid([byte; 16]).to_string();
        for well in ["0=1G", "0=1G,1=512M", &format!("{}=1G", uuid(0xcd))] {
            assert_eq!(of(well), Severity::Ok, "{well}");
        }
        for wrong in ["2=1G", "0=1G,7=1G", &format!("{}=1G", uuid(0xef)), "1G", "0:1G", "0=1G,0=2G"]
        {
            assert_eq!(of(wrong), Severity::Warn, "{wrong}");
        }
        assert_eq!(limit(&"0=1G".into(), None).severity, Severity::Unknown);
        assert_eq!(limit(&"0=".into(), None).severity, Severity::Warn);
    }
}
