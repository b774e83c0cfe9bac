//! The daemon of the directory, and the files it has there.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use cuota_core::config::Mps;
use cuota_core::mps::Daemon;

use super::Here;
use crate::doctor::check::{Check, Severity};

const DAEMON: &str = "a client that cannot connect runs without MPS, and nothing says so";
const HANGS: &str = "a program that connects waits without end, in cuInit";
const DIRECTORY: &str = "who may write there can put a daemon of his own in its place";
const LOCK: &str = "without its lock a second daemon could start there, with a server of its own";

pub fn check(here: &Here) -> Check {
    let Here { place, daemon, .. } = here;
    if let (Daemon::Silent, Some(pid)) = (daemon, here.process()) {
        return silent(here, pid);
    }
    let check = Check::ok("mps", DAEMON, daemon.found(place));
    match daemon {
        Daemon::Answers => check,
        _ if here.wanted == Mps::Require => check.worse(Severity::Error, sentence(daemon.advice())),
        Daemon::NoDirectory | Daemon::NoSocket if !here.named => {
            let found = format!("none here: no daemon was started in {}", place.display());
            Check::ok("mps", DAEMON, found).worse(Severity::Info, "")
        }
        Daemon::Unknown(_) => check.worse(Severity::Unknown, ""),
        _ => check.worse(Severity::Warn, sentence(daemon.advice())),
    }
}

/// One that is stopped does not go on by itself; one that is busy does.
fn silent(here: &Here, pid: i32) -> Check {
    let place = here.place.display();
    let (found, advice) = match here.processes.is_stopped(pid) {
        Some(true) => (
            format!("the daemon of {place} (process {pid}) is stopped, by SIGSTOP or a debugger"),
            format!(
                "Let it go on: kill -CONT {pid}; or, if TracerPid in /proc/{pid}/status is not 0, end that debugger."
            ),
        ),
        Some(false) => (
            format!(
                "the daemon of {place} (process {pid}) is not stopped, and does not answer: it is busy, or hangs"
            ),
            format!(
                "Look again in a minute. If it stays so, end it (kill {pid}), see what it did last in {}, and start it again.",
                here.logs()
            ),
        ),
        None => (here.daemon.found(&here.place), sentence(here.daemon.advice())),
    };
    let severity = if here.wanted == Mps::Require { Severity::Error } else { Severity::Warn };
    Check::ok("mps", HANGS, found).worse(severity, advice)
}

/// `start it` as `Start it.`
fn sentence(advice: &str) -> String {
    let mut letters = advice.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// The daemon makes its directory for everybody to write.
pub fn open_to_all(place: &Path) -> Check {
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

pub fn lock(here: &Here) -> Check {
    let file = here.place.join("control_lock");
    match &here.holder {
        Err(why) => Check::not_looked_at("mps-lock", LOCK, &why.to_string()),
        Ok(Some(0)) => {
            Check::not_looked_at("mps-lock", LOCK, "the daemon is in another PID namespace")
        }
        Ok(Some(pid)) => {
            Check::ok("mps-lock", LOCK, format!("process {pid} holds {}", file.display()))
        }
        Ok(None) => {
            let found = format!("a daemon answers, and nobody holds {}", file.display());
            let advice = "The file was probably removed while the daemon ran. When its clients may be interrupted: `cuota mps stop`, then `cuota mps start` (for a daemon of another container, there).";
            Check::ok("mps-lock", LOCK, found).worse(Severity::Warn, advice)
        }
    }
}

/// Some releases write a file with the daemon's pid, which one that was killed leaves behind.
pub fn pid_file(here: &Here) -> Option<Check> {
    const WHY: &str = "who ends the daemon by its pid file ends another process";
    let file = here.place.join("nvidia-cuda-mps-control.pid");
    let text = fs::read_to_string(&file).ok()?;
    let holder = here.process()?;
    let said = text.trim();
    let check = |found| Check::ok("mps-pid", WHY, found);
    if said.parse() == Ok(holder) {
        return Some(check(format!("{} says {holder}, as the lock does", file.display())));
    }
    let found = format!("{} says {said:?}, and the daemon is process {holder}", file.display());
    let advice = format!(
        "Remove that file, which an earlier daemon left. Nothing else is needed: the running daemon is {holder}."
    );
    Some(check(found).worse(Severity::Warn, advice))
}
