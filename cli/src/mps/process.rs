//! NVIDIA's daemons and servers among the processes there are, by what `/proc` says of each.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cuota_core::mps::{PIPES, directory};

use super::ask::CONTROL;

/// Where processes are found.
pub const PROC: &str = "/proc";

/// All processes that may be seen from here.
pub fn all(proc: &Path) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process was started by that name. Not what the kernel calls it: it keeps fifteen letters,
/// which the server and its daemon share. A process that is dead and not waited for has none.
pub fn is(proc: &Path, pid: i32, name: &str) -> bool {
    let words = words(proc, pid);
    words.first().is_some_and(|word| Path::new(word).file_name() == Some(OsStr::new(name)))
}

/// Whether it is a control daemon, not somebody who talks to one.
pub fn is_daemon(proc: &Path, pid: i32) -> bool {
    is(proc, pid, CONTROL) && words(proc, pid).iter().any(|word| word == "-d" || word == "-f")
}

fn words(proc: &Path, pid: i32) -> Vec<OsString> {
    let all = fs::read(file(proc, pid, "cmdline")).unwrap_or_default();
    all.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}

/// A variable of a process's environment, as it was started.
pub fn variable(proc: &Path, pid: i32, name: &str) -> io::Result<Option<OsString>> {
    let all = fs::read(file(proc, pid, "environ"))?;
    Ok(all.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsString::from_vec(value.to_vec()))
    }))
}

/// The directory a daemon or a server was told of.
pub fn place(proc: &Path, pid: i32) -> io::Result<PathBuf> {
    Ok(directory(variable(proc, pid, PIPES)?))
}

/// Whether what a process calls `theirs` is the directory that we call `ours`: they may have other mounts.
/// Where neither is there any more, they are the same if they are called the same.
pub fn same_place(proc: &Path, pid: i32, theirs: &Path, ours: &Path) -> bool {
    let within = theirs.strip_prefix("/").unwrap_or(theirs);
    let seen = fs::metadata(file(proc, pid, "root").join(within));
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    match (seen.map(id), fs::metadata(ours).map(id)) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        (Err(_), Err(_)) => theirs == ours,
        _ => false,
    }
}

/// The control daemon of a directory, whether its lock is there or not: the first of them, for it is about
/// to become a server for a moment whenever it starts one.
pub fn serving(proc: &Path, ours: &Path) -> Option<i32> {
    let daemons = all(proc).filter(|pid| is_daemon(proc, *pid));
    let here = daemons
        .filter(|pid| place(proc, *pid).is_ok_and(|theirs| same_place(proc, *pid, &theirs, ours)));
    here.min_by_key(|pid| age(proc, *pid))
}

/// What tells the elder of two processes: when they were started, and their numbers.
pub fn age(proc: &Path, pid: i32) -> (Option<u64>, i32) {
    (started(proc, pid), pid)
}

/// When a process was started, in the kernel's ticks: it tells it from a later one of that number.
pub fn started(proc: &Path, pid: i32) -> Option<u64> {
    stat(proc, pid, 19)
}

pub fn parent(proc: &Path, pid: i32) -> Option<i32> {
    stat(proc, pid, 1)
}

/// A field of its `stat`, counted from behind the name, which may have anything in it.
fn stat<T: std::str::FromStr>(proc: &Path, pid: i32, field: usize) -> Option<T> {
    let text = fs::read_to_string(file(proc, pid, "stat")).ok()?;
    let (_, tail) = text.rsplit_once(')')?;
    tail.split_whitespace().nth(field)?.parse().ok()
}

fn file(proc: &Path, pid: i32, name: &str) -> PathBuf {
    proc.join(pid.to_string()).join(name)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A `/proc` of processes made up: pid, parent, how they were started, and their environment.
    pub struct Made(pub PathBuf);

    impl Made {
        pub fn of(processes: &[(i32, i32, &str, &str)]) -> Made {
            static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let name = format!("cuota-proc-{}-{number}", std::process::id());
            let proc = std::env::temp_dir().join(name);
            for (pid, parent, words, environment) in processes {
                let place = proc.join(pid.to_string());
                fs::create_dir_all(&place).expect("a fresh directory");
                let rest = "1 ".repeat(17);
                let stat = format!("{pid} (a) b c) S {parent} {rest}{}", 1000 + pid);
                fs::write(place.join("stat"), stat).expect("ours");
                fs::write(place.join("cmdline"), words.replace(' ', "\0")).expect("ours");
                // One whose environment may not be read has none here.
                if *environment != "?" {
                    fs::write(place.join("environ"), environment.replace(' ', "\0")).expect("ours");
                }
                std::os::unix::fs::symlink("/", place.join("root")).expect("ours");
            }
            Made(proc)
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_daemon_is_told_from_who_talks_to_it_and_from_its_server() {
        let here = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a";
        let made = Made::of(&[
            (1, 0, "/sbin/init", ""),
            (5, 1, "/x/nvidia-cuda-mps-control -d", here),
            (6, 5, "/x/nvidia-cuda-mps-control -d", here),
            (7, 1, "nvidia-cuda-mps-control", here),
            (8, 1, "nvidia-cuda-mps-server -d", here),
            (9, 1, "nvidia-cuda-mps-control -f", "A=b CUDA_MPS_PIPE_DIRECTORY=/nowhere/b"),
        ]);
        let mut daemons: Vec<i32> = all(&made.0).filter(|pid| is_daemon(&made.0, *pid)).collect();
        daemons.sort_unstable();
        assert_eq!(daemons, [5, 6, 9]);
        assert_eq!(serving(&made.0, Path::new("/nowhere/a")), Some(5));
        assert_eq!(serving(&made.0, Path::new("/nowhere/b")), Some(9));
        assert_eq!(serving(&made.0, Path::new("/nowhere/c")), None);
        assert_eq!((started(&made.0, 5), parent(&made.0, 6)), (Some(1005), Some(5)));
    }

    #[test]
    fn a_place_is_known_by_what_it_is_not_by_how_it_is_called() {
        let made = Made::of(&[(5, 1, "nvidia-cuda-mps-control -d", "")]);
        let real = made.0.join("5");
        let link = made.0.join("link");
        std::os::unix::fs::symlink(&real, &link).expect("ours");
        assert!(same_place(&made.0, 5, &link, &real));
        assert!(!same_place(&made.0, 5, &made.0, &real));
        assert!(!same_place(&made.0, 5, Path::new("/nowhere"), &real));
    }
}
