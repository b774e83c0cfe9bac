//! Whether the process uses a GPU, and whether its client's ledger knows of it.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cuota_core::identity;

use super::{MAY_NOT, Seen};
use crate::doctor::check::{Check, Severity};
use crate::ledgers::Ledgers;
use crate::places::Places;

const WHY: &str = "a process that uses a GPU outside every ledger takes memory that nobody counts and no quota holds";

pub fn check(seen: &Seen) -> Check {
    let uses = match uses(seen) {
        Ok(uses) => uses,
        Err(_) => return Check::not_looked_at("member", WHY, MAY_NOT),
    };
    let check = |found| Check::ok("member", WHY, found);
    let with =
        uses.as_ref().map_or("has no GPU open".to_owned(), |what| format!("has {what} open"));
    match (member(seen), uses) {
        (Ok(Some(client)), _) => check(format!("it is a living member of client {client}, and {with}")),
        (Err(why), _) => Check::not_looked_at("member", WHY, &format!("it {with}; {why}")),
        (Ok(None), None) => {
            let found = "it is a member of no ledger, and has no GPU open: it did nothing with CUDA so far";
            check(found.to_owned()).worse(Severity::Info, "")
        }
        (Ok(None), Some(_)) => check(format!("it {with}, and is a member of no ledger: it is not accounted for"))
            .worse(
                Severity::Error,
                "See `library`, `preload` and `settings` for why, and start it again with `cuota run -- …`. If its ledger is elsewhere, run doctor with the same CUOTA_DIR.",
            ),
    }
}

/// What it has open that only CUDA opens. NVML opens the devices too, and is no use of theirs.
fn uses(seen: &Seen) -> io::Result<Option<String>> {
    const UNIFIED: &str = "/dev/nvidia-uvm";
    let drivers = seen.that_export("cuInit");
    let mapped = seen.mapped.as_ref().map_err(|why| io::Error::from(why.kind()))?;
    let mut open: Vec<PathBuf> = mapped.iter().map(|mapping| mapping.path.clone()).collect();
    for entry in fs::read_dir(seen.processes.file(seen.pid, "fd"))?.flatten() {
        open.extend(fs::read_link(entry.path()));
    }
    if open.iter().any(|path| path == Path::new(UNIFIED)) {
        return Ok(Some(UNIFIED.to_owned()));
    }
    // What the simulated driver maps once it is called.
    let simulated = seen.variable("CUOTA_SIM").map(|folder| Path::new(folder).join("calls"));
    let is_device = |path: &&PathBuf| {
        let text = path.to_str().and_then(|text| text.strip_prefix("/dev/nvidia"));
        text.is_some_and(|rest| rest.parse::<u32>().is_ok()) || Some(*path) == simulated.as_ref()
    };
    let device = open.iter().find(is_device).filter(|_| !drivers.is_empty());
    Ok(device.map(|path| path.display().to_string()))
}

/// The client it is a living member of.
fn member(seen: &Seen) -> Result<Option<String>, String> {
    let status = seen.processes.text(seen.pid, "status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let own = line.and_then(|line| line.split_whitespace().last()?.parse::<u64>().ok());
    let namespace = fs::metadata(seen.processes.file(seen.pid, "ns/pid")).map(|it| it.ino());
    let (Some(own), Ok(namespace)) = (own, namespace) else {
        return Err("its number in its own PID namespace cannot be read".into());
    };
    let ledgers = Ledgers::read(&places(seen), None).map_err(|failure| failure.text)?;
    let is_it =
        |client: &&crate::ledgers::Client| {
            client.report.members.iter().any(|member| {
                member.alive && member.pid == own && member.pid_namespace == namespace
            })
        };
    match ledgers.clients.iter().find(is_it) {
        Some(client) => Ok(Some(client.name.clone())),
        None => match ledgers.unreadable.first() {
            Some(unreadable) => Err(format!("a ledger cannot be read: {}", unreadable.why)),
            None => Ok(None),
        },
    }
}

/// Where the process's ledger may be: by its own settings, in its own root, and by ours.
fn places(seen: &Seen) -> Places {
    let runtime = seen.variable("XDG_RUNTIME_DIR").map(Path::new);
    let user = seen.processes.user(seen.pid).unwrap_or_default();
    let mut directories = match seen.variable("CUOTA_DIR") {
        Some(named) => vec![PathBuf::from(named)],
        None => identity::usual_directories(runtime, user),
    };
    directories.iter_mut().for_each(|path| *path = seen.file(path));
    directories.extend(Places::of(None).map(|places| places.directories).unwrap_or_default());
    directories.retain(|path| path.symlink_metadata().is_ok());
    Places { directories, named: false }
}
