//! MPS servers that have lost their daemon.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use cuota_core::mps::{PIPES, directory};

use super::ask::{CONTROL, SERVER};

/// Servers of the directory's daemons whose parent is no daemon.
pub fn left(proc: &Path, place: &Path) -> Vec<i32> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let servers = pids.filter(|pid| is(proc, *pid, SERVER) && is_of(proc, *pid, place));
    // One that ends just now has no parent any more.
    let lost = |pid: &i32| parent(proc, *pid).is_some_and(|parent| !is(proc, parent, CONTROL));
    servers.filter(lost).collect()
}

/// Whether a process was told of that directory; it may be, where that cannot be read.
fn is_of(proc: &Path, pid: i32, place: &Path) -> bool {
    let Ok(all) = fs::read(proc.join(pid.to_string()).join("environ")) else { return true };
    let named = all.split(|byte| *byte == 0).find_map(|entry| {
        let (name, value) = entry.split_at_checked(entry.iter().position(|byte| *byte == b'=')?)?;
        (name == PIPES.as_bytes())
            .then(|| OsString::from_vec(value.get(1..).unwrap_or_default().to_vec()))
    });
    directory(named) == place
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
    fn found(processes: &[(i32, i32, &str)]) -> Vec<i32> {
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
            let environment = format!("A=b\0{PIPES}=/pipes{}\0", pid / 10);
            fs::write(place.join("environ"), environment).expect("ours");
        }
        let found = left(&proc, Path::new("/pipes0"));
        fs::remove_dir_all(&proc).expect("ours");
        found
    }

    #[test]
    fn a_server_is_left_if_its_parent_is_no_daemon() {
        let shell = (1, 0, "/sbin/init");
        let daemon = (5, 1, "/x/nvidia-cuda-mps-control -d");
        let served = (6, 5, "nvidia-cuda-mps-server");
        assert!(found(&[shell]).is_empty());
        assert!(found(&[shell, daemon, served]).is_empty());
        // Dead, and not waited for.
        assert!(found(&[shell, (7, 1, "")]).is_empty());
        // Another directory's.
        assert!(found(&[shell, (17, 1, SERVER)]).is_empty());
        let left = found(&[shell, daemon, served, (7, 1, "/usr/bin/nvidia-cuda-mps-server")]);
        assert_eq!(left, [7]);
    }
}
