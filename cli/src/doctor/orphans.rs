//! MPS servers that have lost their daemon.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::check::{Check, Severity};
use super::mps::SERVER_NAME;

const ORPHANS: &str =
    "a server whose daemon has ended keeps the device, and the next daemon starts another";
const CONTROL_NAME: &str = "nvidia-cuda-mps-control";

/// Servers whose parent is no daemon.
pub fn orphans(proc: &Path) -> Check {
    let mut left = Vec::new();
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid.filter(|pid| is(proc, *pid, SERVER_NAME)) else { continue };
        // One that ends just now has no parent any more.
        if parent(proc, pid).is_some_and(|parent| !is(proc, parent, CONTROL_NAME)) {
            left.push(pid.to_string());
        }
    }
    if left.is_empty() {
        return Check::ok("mps-left", ORPHANS, "no server without a daemon".to_owned());
    }
    let found = format!("server without a daemon: process {}", left.join(", "));
    Check::ok("mps-left", ORPHANS, found).worse(
        Severity::Warn,
        format!("End it, once its clients are gone: kill {}.", left.join(" ")),
    )
}

/// Whether a process was started by that name. Not what the kernel calls it: it keeps fifteen letters,
/// which the server and its daemon share. A process that is dead and not waited for has none.
fn is(proc: &Path, pid: i32, name: &str) -> bool {
    let words = fs::read(proc.join(pid.to_string()).join("cmdline")).unwrap_or_default();
    let first = words.split(|byte| *byte == 0).next().unwrap_or_default();
    Path::new(OsStr::from_bytes(first)).file_name() == Some(OsStr::new(name))
}

fn parent(proc: &Path, pid: i32) -> Option<i32> {
    let text = fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
    let (_, tail) = text.rsplit_once(')')?;
    tail.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processes as `/proc` has them: pid, parent, and how they were started.
    fn found(processes: &[(i32, i32, &str)]) -> Check {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("cuota-orphans-{}-{number}", std::process::id());
        let proc = std::env::temp_dir().join(name);
        for (pid, parent, words) in processes {
            let place = proc.join(pid.to_string());
            fs::create_dir_all(&place).expect("a fresh directory");
            let stat = format!("{pid} (a) b c) S {parent} 1");
            fs::write(place.join("stat"), stat).expect("ours");
            fs::write(place.join("cmdline"), words.replace(' ', "\0")).expect("ours");
        }
        let check = orphans(&proc);
        fs::remove_dir_all(&proc).expect("ours");
        check
    }

    #[test]
    fn a_server_is_left_if_its_parent_is_no_daemon() {
        let shell = (1, 0, "/sbin/init");
        let daemon = (5, 1, "/x/nvidia-cuda-mps-control -d");
        let served = (6, 5, "nvidia-cuda-mps-server");
        assert_eq!(found(&[shell]).severity, Severity::Ok);
        assert_eq!(found(&[shell, daemon, served]).severity, Severity::Ok);
        // Dead, and not waited for.
        assert_eq!(found(&[shell, (7, 1, "")]).severity, Severity::Ok);
        let left = found(&[shell, daemon, served, (7, 1, "/usr/bin/nvidia-cuda-mps-server")]);
        assert_eq!(left.severity, Severity::Warn);
        assert!(left.found.ends_with("process 7") && left.advice.contains("kill 7"), "{left:?}");
    }
}
