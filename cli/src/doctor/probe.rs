//! `cuota probe`, what the doctor runs under the preload: which library stands before the driver,
//! which driver that library found, and what the driver answers.
#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use cuota_core::config::Uuid;

use crate::command::Failure;
use crate::exports;
use crate::maps::{Mapping, mappings};
use crate::native::driver::{Driver, Lookup};
use crate::native::nvml;

/// Tells facts as they come, so that a driver that never answers still leaves those before it.
pub fn answer() -> Result<u8, Failure> {
    if let Some((library, _)) =
        mapped().into_iter().find(|(path, _)| exports_name(path, "cuota_version"))
    {
        tell("preloaded", library.display());
    }
    match Driver::open(Lookup::Dlsym) {
        Ok(driver) => question(&driver),
        Err(why) => tell("absent", why),
    }
    Ok(0)
}

fn question(driver: &Driver) {
    // The first call makes the library load the real driver.
    let version = driver.version();
    let files = mapped();
    let ours = |path: &Path| exports_name(path, "cuota_version");
    if let Some(address) = driver.address("cuInit")
        && let Some((path, _)) = files.iter().find(|(_, range)| range.contains(&address))
        && ours(path)
    {
        tell("in-front", path.display());
    }
    if let Some((path, _)) =
        files.iter().find(|(path, _)| exports_name(path, "cuInit") && !ours(path))
    {
        tell("driver", path.display());
    }
    if let Ok(version) = version {
        tell("version", version);
    }
    let status = match driver.init() {
        Ok(()) => Some(0),
        Err(refused) => refused.status,
    };
    if let Some(status) = status {
        let name = driver.name_of(status).unwrap_or_default();
        tell("init", format_args!("{status} {name}"));
    }
    if status == Some(0) {
        devices(driver);
        if let Some(release) = nvml::driver_release() {
            tell("release", release);
        }
    }
}

/// As the driver numbers its attributes.
const COMPUTE_MODE: u32 = 20;
const MAJOR: u32 = 75;
const MINOR: u32 = 76;
const MPS_ENABLED: u32 = 133;

fn devices(driver: &Driver) {
    for ordinal in 0..driver.count().unwrap_or(0) {
        let Ok(device) = driver.device(ordinal) else { continue };
        let Ok(uuid) = driver.uuid(&device) else { continue };
        let numbers = [MAJOR, MINOR, COMPUTE_MODE, MPS_ENABLED].map(|number| {
            let value = driver.attribute(&device, number);
            value.map_or(String::new(), |value| format!(" {value}"))
        });
        tell("device", format_args!("{}{}", Uuid(uuid), numbers.concat()));
    }
}

fn tell(fact: &str, what: impl std::fmt::Display) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{fact} {what}").and_then(|()| out.flush());
}

fn exports_name(path: &Path, name: &str) -> bool {
    exports::of(path).is_ok_and(|names| names.contains(name))
}

/// The files this process has code of, and where.
fn mapped() -> Vec<(PathBuf, Range<usize>)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let code = mappings(&maps).into_iter().filter(|mapping| mapping.is_code);
    code.map(|Mapping { path, range, .. }| (path, range)).collect()
}
