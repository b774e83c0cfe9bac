//! MPS as a program started here would meet it: the daemon and its directory, and what else would make
//! a client run beside it without a word.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cuota_core::config::{Config, Mps};
use cuota_core::mps::{Daemon, PATIENCE, PIPES, directory, look};

use super::check::{Check, Severity};
use super::shares::shares;
use crate::mps::process::{self, PROC};
use crate::mps::{SERVER, holder, servers};

const DAEMON: &str = "a client that cannot connect runs without MPS, and nothing says so";
const DIRECTORY: &str = "who may write there can put a daemon of his own in its place";
const NAMES: &str = "a variable of another name limits nothing";
const LOCK: &str =
    "two daemons on one directory each start a server, and their clients share nothing";
const PRELOAD: &str = "the server has the daemon's environment, and is no client";
const STARTS: &str = "the daemon starts the server when the first client comes, from its own PATH";

const ORPHANS: &str =
    "a server whose daemon has ended keeps the device, and the next daemon starts another";

/// A name seen in the wild, and the one that was meant.
const MISSPELT: (&str, &str) = ("CUDA_MPS_DEVICE_MEM_LIMIT", "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT");

pub fn checks() -> Vec<Check> {
    let named = env::var_os(PIPES).is_some_and(|value| !value.is_empty());
    let place = directory(env::var_os(PIPES));
    let found = look(&place, PATIENCE);
    let (config, _) = Config::parse(&|name| env::var_os(name));
    let mut checks = vec![daemon(&place, &found, named, config.mps), misspelt()];
    if matches!(found, Daemon::Answers) {
        checks.push(open_to_all(&place));
        let holder = holder(&place);
        checks.push(lock(&place, &holder));
        if let Ok(Some(pid)) = holder {
            checks.extend([preloaded(pid), server_on_path(pid)]);
        }
    }
    checks.extend([orphans(&place), shares()]);
    checks
}

fn daemon(place: &Path, found: &Daemon, named: bool, wanted: Mps) -> Check {
    let check = Check::ok("mps", DAEMON, found.found(place));
    match found {
        Daemon::Answers => check,
        _ if wanted == Mps::Require => check.worse(Severity::Error, sentence(found.advice())),
        Daemon::NoDirectory | Daemon::NoSocket if !named => {
            let found = format!("none here: no daemon was started in {}", place.display());
            Check::ok("mps", DAEMON, found).worse(Severity::Info, "")
        }
        Daemon::Unknown(_) => check.worse(Severity::Unknown, ""),
        _ => check.worse(Severity::Warn, sentence(found.advice())),
    }
}

/// `start it` as `Start it.`
fn sentence(advice: &str) -> String {
    let mut letters = advice.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

fn misspelt() -> Check {
    let (wrong, right) = MISSPELT;
    if env::var_os(wrong).is_none() {
        return Check::ok(
            "mps-names",
            NAMES,
            format!("{wrong}, a name seen elsewhere, is not set"),
        );
    }
    Check::ok("mps-names", NAMES, format!("{wrong} is set, which nothing reads"))
        .worse(Severity::Warn, format!("Call it {right}."))
}

/// The daemon makes its directory for everybody to write.
fn open_to_all(place: &Path) -> Check {
    let Ok(found) = fs::metadata(place) else {
        return Check::not_looked_at("mps-dir", DIRECTORY, "its mode cannot be read");
    };
    let mode = found.permissions().mode() & 0o7777;
    let said = format!("{} has mode {mode:o} and is user {}'s", place.display(), found.uid());
    let check = Check::ok("mps-dir", DIRECTORY, said);
    if mode & 0o002 != 0 {
        let advice = "Make it 0755 (0711 will do) once the daemon has started: clients need no more than its socket.";
        return check.worse(Severity::Warn, advice);
    }
    check
}

fn lock(place: &Path, holder: &io::Result<Option<i32>>) -> Check {
    let file = place.join("control_lock");
    match holder {
        Err(why) => Check::not_looked_at("mps-lock", LOCK, &why.to_string()),
        // Somebody of another PID namespace.
        Ok(Some(0)) => {
            Check::not_looked_at("mps-lock", LOCK, "the daemon is in another PID namespace")
        }
        Ok(Some(pid)) => {
            Check::ok("mps-lock", LOCK, format!("process {pid} holds {}", file.display()))
        }
        Ok(None) => {
            let found = format!("a daemon answers, and nobody holds {}", file.display());
            let advice = "Stop the daemons of this directory (quit, then look for what is left) and start one: the file was removed under it.";
            Check::ok("mps-lock", LOCK, found).worse(Severity::Warn, advice)
        }
    }
}

/// A variable of a process's environment, as it was started; nothing if that cannot be read.
fn variable_of(pid: i32, name: &str) -> Option<Option<String>> {
    let found = process::variable(Path::new(PROC), pid, name).ok()?;
    Some(found.map(|value| value.to_string_lossy().into_owned()))
}

fn preloaded(pid: i32) -> Check {
    let Some(list) = variable_of(pid, "LD_PRELOAD") else {
        return Check::not_looked_at("mps-env", PRELOAD, "the daemon's environment cannot be read");
    };
    let ours = variable_of(pid, "CUOTA_CLIENT").flatten().is_some();
    let ours = ours || list.as_deref().is_some_and(|list| list.contains("libcuota"));
    let check = |found| Check::ok("mps-env", PRELOAD, found);
    if ours {
        return check(format!("the daemon (process {pid}) was started as a client of cuota's"))
            .worse(Severity::Warn, "Start it without LD_PRELOAD and without CUOTA_ variables.");
    }
    check(format!("the daemon (process {pid}) was started without cuota"))
}

fn server_on_path(pid: i32) -> Check {
    let Some(path) = variable_of(pid, "PATH") else {
        return Check::not_looked_at("mps-path", STARTS, "the daemon's environment cannot be read");
    };
    let path = path.unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(SERVER));
    // As the daemon sees it, which may be in another root.
    let seen = |file: &PathBuf| {
        let within = file.strip_prefix("/").unwrap_or(file);
        let root = Path::new("/proc").join(pid.to_string()).join("root");
        root.join(within).exists()
    };
    match found.into_iter().find(seen) {
        Some(file) => Check::ok("mps-path", STARTS, format!("the daemon finds {}", file.display())),
        None => Check::ok("mps-path", STARTS, format!("no {SERVER} on the daemon's PATH ({path})"))
            .worse(Severity::Error, "Start the daemon with a PATH that has it."),
    }
}

fn orphans(place: &Path) -> Check {
    let left: Vec<String> =
        servers::left(Path::new(PROC), place).iter().map(ToString::to_string).collect();
    if left.is_empty() {
        return Check::ok("mps-left", ORPHANS, "no server without a daemon".to_owned());
    }
    let found = format!("server without a daemon: process {}", left.join(", "));
    Check::ok("mps-left", ORPHANS, found).worse(
        Severity::Warn,
        format!("End it, once its clients are gone: kill {}.", left.join(" ")),
    )
}
