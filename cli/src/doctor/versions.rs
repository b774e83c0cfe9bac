//! Which releases meet here: the driver's library, its kernel module, and the MPS daemon.
#![forbid(unsafe_code)]

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;

use super::ask::Answers;
use super::check::{Check, Severity};
use super::mps::Here;

const WHY: &str = "a driver library that is newer than the MPS daemon does not connect, and the program runs beside MPS, not told";
const TOO_OLD: &str = "a driver passes over a variable that is newer than it";

/// What MPS reads, and the first CUDA that does.
const SINCE: [(&str, u32); 3] = [
    ("CUDA_MPS_ENABLE_PER_CTX_DEVICE_MULTIPROCESSOR_PARTITIONING", 11040),
    ("CUDA_MPS_PINNED_DEVICE_MEM_LIMIT", 11050),
    ("CUDA_MPS_SM_PARTITION", 13010),
];

/// Like 535.261.03.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Release(Vec<u32>, String);

impl Release {
    fn parse(text: &str) -> Option<Release> {
        let parts = text.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        });
        let parts: Vec<u32> = parts.collect::<Option<_>>()?;
        let branch = parts.first().is_some_and(|branch| (100..10_000).contains(branch));
        ((2..=3).contains(&parts.len()) && branch).then(|| Release(parts, text.to_owned()))
    }

    fn branch(&self) -> Option<u32> {
        self.0.first().copied()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&self.1)
    }
}

pub fn checks(told: &Answers, here: &Here) -> Vec<Check> {
    let mut checks = vec![versions(told, here)];
    checks.extend(SINCE.iter().filter_map(|(variable, since)| too_old(told, variable, *since)));
    checks
}

fn too_old(told: &Answers, variable: &str, since: u32) -> Option<Check> {
    let version = told.version.filter(|version| *version < since)?;
    env::var_os(variable).filter(|value| !value.is_empty())?;
    let found = format!("{variable} is set, and this driver is of CUDA {}", cuda(version));
    let advice = format!("Use a driver of CUDA {} or newer, or unset it.", cuda(since));
    Some(Check::ok("too-old", TOO_OLD, found).worse(Severity::Warn, advice))
}

fn cuda(version: u32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

fn versions(told: &Answers, here: &Here) -> Check {
    let (Some(version), Some(driver)) = (told.version, &told.driver) else {
        return Check::not_looked_at("versions", WHY, "needs a driver");
    };
    let module = told.release.as_deref().and_then(Release::parse);
    let library = of_library(driver);
    let mut found = format!("CUDA {}", cuda(version));
    if let Some(library) = &library {
        found += &format!(", driver library {library}");
    }
    if let Some(module) = module.as_ref().filter(|module| Some(*module) != library.as_ref()) {
        found += &format!(", driver {module}");
    }
    if !here.answers() {
        return Check::ok("versions", WHY, found);
    }
    let Some(client) = library.or(module) else {
        let reason =
            format!("{found}; neither the driver's file nor NVML says which release it is");
        return Check::not_looked_at("versions", WHY, &reason);
    };
    let Some(daemon) = here.process().and_then(|pid| of_program(&here.processes.file(pid, "exe")))
    else {
        let reason = format!("{found}; the daemon's program cannot be read from here");
        return Check::not_looked_at("versions", WHY, &reason);
    };
    let check = Check::ok("versions", WHY, format!("{found}, MPS daemon {daemon}"));
    match (client.branch(), daemon.branch()) {
        _ if client == daemon => check,
        (client, daemon) if client > daemon => check.worse(
            Severity::Warn,
            "When its clients may be interrupted, stop the daemon and start the nvidia-cuda-mps-control that came with the release that programs load. `mps-client` says whether a program gets through now.",
        ),
        _ => check.worse(Severity::Info, ""),
    }
}

/// By its file's name, `libcuda.so.535.261.03`.
fn of_library(driver: &Path) -> Option<Release> {
    let file = driver.canonicalize().ok()?;
    Release::parse(file.file_name()?.to_str()?.strip_prefix("libcuda.so.")?)
}

/// The one text of a program that is written as a release: NVIDIA's have their own in them, and the
/// daemon has no other way to say it without a command.
fn of_program(file: &Path) -> Option<Release> {
    let bytes = fs::read(file).ok()?;
    let texts = bytes.split(|byte| *byte == 0).filter(|text| (6..=12).contains(&text.len()));
    let mut found = texts.filter_map(|text| Release::parse(std::str::from_utf8(text).ok()?));
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_release() {
        for text in ["535.261.03", "615.71", "470.256.02"] {
            assert_eq!(Release::parse(text).expect("one").to_string(), text);
        }
        for text in ["1", "535", "2.34", "535.261.03.1", "535.+1", "535.x", "", "535."] {
            assert_eq!(Release::parse(text), None, "{text}");
        }
        assert!(Release::parse("535.261.03") > Release::parse("535.54.03"));
    }

    #[test]
    fn a_program_says_one_release_or_none() {
        let folder = crate::scratch::Scratch::new().expect("a folder");
        let of = |text: &str| {
            let file = folder.path().join("program");
            fs::write(&file, text).expect("ours");
            of_program(&file).map(|release| release.to_string())
        };
        assert_eq!(of("a\0x535.261.03\x00535.261.03\0b").as_deref(), Some("535.261.03"));
        assert_eq!(of("a\x00535.261.03\x00535.261.04\0"), None);
        assert_eq!(of("a\0b"), None);
    }
}
