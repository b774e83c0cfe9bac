//! Whether the process uses a GPU, and whether its client's ledger knows of it.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cuota_core::book::MemberReport;
use cuota_core::identity;
use cuota_core::mps::PIPES;

use super::{MAY_NOT, Seen};
use crate::doctor::check::{Check, Severity};
use crate::ledgers::Ledgers;
use crate::places::Places;

const WHY: &str = "a process that uses a GPU outside every ledger takes memory that nobody counts and no quota holds";

const UNDER: &str =
    "a process beside MPS takes turns with those under it, without its share and its priority";

pub fn checks(seen: &Seen) -> Vec<Check> {
    let uses = match uses(seen) {
        Ok(uses) => uses,
        Err(_) => return vec![Check::not_looked_at("member", WHY, MAY_NOT)],
    };
    let member = member(seen);
    let under_mps = member.as_ref().ok().and_then(|member| under_mps(seen, member.as_ref()?));
    [account(seen, member, uses)].into_iter().chain(under_mps).collect()
}

fn account(seen: &Seen, member: Result<Option<Membership>, String>, uses: Option<String>) -> Check {
    let check = |found| Check::ok("member", WHY, found);
    let with =
        uses.as_ref().map_or("has no GPU open".to_owned(), |what| format!("has {what} open"));
    match (member, uses) {
        (Ok(Some(Membership { client, .. })), _) => {
            check(format!("it is a living member of client {client}, and {with}"))
        }
        (Err(why), _) => Check::not_looked_at("member", WHY, &format!("it {with}; {why}")),
        (Ok(None), None) => {
            let found =
                "it is a member of no ledger, and has no GPU open: it did nothing with CUDA so far";
            check(found.to_owned()).worse(Severity::Info, "")
        }
        (Ok(None), Some(_)) => {
            let found = format!("it {with}, and is a member of no ledger: it is not accounted for");
            outside(seen, check(found))
        }
    }
}

/// What may have kept it out of its ledger.
fn outside(seen: &Seen, check: Check) -> Check {
    let named = seen.variable("CUOTA_DIR").filter(|named| !seen.file(Path::new(named)).is_dir());
    if let Some(named) = named {
        let found = format!("{}; its CUOTA_DIR={} is no directory", check.found, named.display());
        let advice = "Make the directory (`mkdir -m 700`, or mount it into the container), and start the program again.";
        return Check { found, ..check }.worse(Severity::Error, advice);
    }
    check.worse(
        Severity::Error,
        "See `library`, `preload` and `settings` for why, and what the program said on standard error; start it again with `cuota run -- …`. If its ledger is elsewhere, run doctor with the same CUOTA_DIR.",
    )
}

/// By its ledger, once it has a device. Nothing where nobody told it of a daemon and it has none.
fn under_mps(seen: &Seen, member: &Membership) -> Option<Check> {
    let check = |found| Check::ok("mps-client", UNDER, found);
    let told = seen.variable(PIPES).filter(|value| !value.is_empty());
    match (member.by_mps[..].iter().all(|by_mps| *by_mps), told) {
        _ if member.by_mps.is_empty() => None,
        (true, _) => Some(check("it is under MPS".to_owned())),
        (false, Some(pipes)) => {
            let found =
                format!("it was told of the daemon of {}, and runs beside MPS", pipes.display());
            let advice = "Run `cuota doctor` with the same variables, as its user and in its container: `mps` and `mps-client` say why a program gets no further there.";
            Some(check(found).worse(Severity::Warn, advice))
        }
        (false, None) => None,
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

struct Membership {
    client: String,
    /// Of each device it has, whether by MPS.
    by_mps: Vec<bool>,
}

/// What it is a living member of.
fn member(seen: &Seen) -> Result<Option<Membership>, String> {
    let status = seen.processes.text(seen.pid, "status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let own = line.and_then(|line| line.split_whitespace().last()?.parse::<u64>().ok());
    let namespace = fs::metadata(seen.processes.file(seen.pid, "ns/pid")).map(|it| it.ino());
    let (Some(own), Ok(namespace)) = (own, namespace) else {
        return Err("its number in its own PID namespace cannot be read".into());
    };
    let ledgers = Ledgers::read(&places(seen), None).map_err(|failure| failure.text)?;
    let is_it = |member: &&MemberReport| {
        member.alive && member.pid == own && member.pid_namespace == namespace
    };
    let found = ledgers.clients.iter().find_map(|client| {
        let member = client.report.members.iter().find(is_it)?;
        let by_mps = member.grants.iter().map(|(_, grant)| grant.by_mps).collect();
        Some(Membership { client: client.name.clone(), by_mps })
    });
    match (found, ledgers.unreadable.first()) {
        (None, Some(unreadable)) => Err(format!("a ledger cannot be read: {}", unreadable.why)),
        (found, _) => Ok(found),
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
