//! Whether the library is in the process, and stands before its driver.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{MAY_NOT, Seen};
use crate::doctor::answers::PRELOAD;
use crate::doctor::check::{Check, Severity};
use crate::maps::Mapping;
use crate::{exports, image, library, reach};

const LIBRARY: &str = "a process without libcuota.so has no quota and no account";
const REACH: &str = "what is not preloaded is neither counted nor limited";

pub fn checks(seen: &Seen) -> Vec<Check> {
    let ours = match &seen.mapped {
        Ok(_) => ours(seen),
        Err(_) => return vec![Check::not_looked_at("library", LIBRARY, MAY_NOT)],
    };
    let mut checks = vec![library(seen, ours.as_deref())];
    match ours {
        Some(_) => checks.extend(in_front(seen)),
        None => checks.extend(reached(seen)),
    }
    checks
}

/// The library in the process; by its name, where its file has been replaced.
fn ours(seen: &Seen) -> Option<PathBuf> {
    let named = |mapping: &&Mapping| mapping.path.file_name() == Some(library::FILE.as_ref());
    let by_name = || seen.mapped.iter().flatten().find(named);
    let found = seen.that_export("cuota_version").into_iter().next().or_else(by_name);
    found.map(|mapping| mapping.path.clone())
}

fn library(seen: &Seen, ours: Option<&Path>) -> Check {
    let check = |found| Check::ok("library", LIBRARY, found);
    let Some(path) = ours else {
        return check("libcuota.so is not loaded in it".to_owned())
            .worse(Severity::Warn, "If it is meant to have a quota, start it again with `cuota run -- …`; a program without CUDA needs none.");
    };
    let shown = path.display();
    if seen.mapped.iter().flatten().any(|mapping| mapping.path == path && mapping.is_gone) {
        return check(format!("it has loaded {shown}, which was replaced or removed since")).worse(
            Severity::Warn,
            "Start the program again to have the build that is installed now.",
        );
    }
    match library::find() {
        Ok(installed) if !library::is_same(&seen.file(path), &installed) => {
            let found =
                format!("it has loaded {shown}, and this command's is {}", installed.display());
            check(found).worse(Severity::Info, "")
        }
        _ => check(format!("it has loaded {shown}")),
    }
}

/// Whether it came early enough, which only its way in tells: a preload is first in a program's life.
fn in_front(seen: &Seen) -> Option<Check> {
    let check = |found: &str| Check::ok("preload", PRELOAD, found.to_owned());
    let mounted = seen.that_export("cuota_version").into_iter().any(|mapping| {
        mapping.path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"libcuda.so"))
    });
    if mounted {
        return Some(check("it stands in the driver's place (libcuda.so.1 is cuota)"));
    }
    let Ok(_) = &seen.environment else {
        return Some(Check::not_looked_at("preload", PRELOAD, MAY_NOT));
    };
    let list = seen.variable("LD_PRELOAD").cloned().unwrap_or_default();
    let everywhere = fs::read(seen.file(Path::new("/etc/ld.so.preload"))).unwrap_or_default();
    let text = [list.as_bytes(), b" ", &everywhere].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let entries = text.split([' ', ':', '\n', '\t']).filter(|entry| !entry.is_empty());
    let names = |entry: &str| exports::of(&seen.file(Path::new(entry))).unwrap_or_default();
    for entry in entries {
        let names = names(entry);
        if names.contains("cuota_version") || Path::new(entry).ends_with(library::FILE) {
            return Some(check("it was preloaded, before the driver"));
        }
        if names.contains("cuInit") {
            let found = format!(
                "{entry} stands before libcuota.so in LD_PRELOAD, and takes the driver's calls"
            );
            let advice = format!("Put {entry} behind libcuota.so, or leave it out.");
            return Some(check(&found).worse(Severity::Error, advice));
        }
    }
    let reason = "it was not preloaded when the program started: the program opened it later, or cleared LD_PRELOAD before it started itself again";
    Some(Check::not_looked_at("preload", PRELOAD, reason))
}

/// Why it could not be preloaded, if there is a reason in the program.
fn reached(seen: &Seen) -> Option<Check> {
    let image = image::read(&library::find().ok()?).ok()?;
    let (_, obstacle) = reach::obstacle(&seen.processes.file(seen.pid, "exe"), &image)?;
    let program = fs::read_link(seen.processes.file(seen.pid, "exe")).unwrap_or_default();
    let found = format!("{} {}", program.display(), obstacle.explain());
    Some(Check::ok("reach", REACH, found).worse(
        Severity::Warn,
        "Use a build of the program that is linked to glibc dynamically and is neither set-user-ID nor has file capabilities.",
    ))
}
