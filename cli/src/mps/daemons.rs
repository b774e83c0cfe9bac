//! Which processes are NVIDIA's daemons, who only talks to one, and of which directory each is.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cuota_core::mps::{PIPES, directory};

use super::ask::CONTROL;
use crate::processes::Processes;

/// Whether it is a control daemon, not somebody who talks to one.
pub fn is_daemon(processes: &Processes, pid: i32) -> bool {
    processes.is(pid, CONTROL) && serves(processes, pid)
}

fn serves(processes: &Processes, pid: i32) -> bool {
    processes.words(pid).iter().any(|word| word == "-d" || word == "-f")
}

/// Whether it is a daemon that is becoming a server: one is two for a moment whenever it starts one.
pub fn is_passing(processes: &Processes, pid: i32) -> bool {
    processes.parent(pid).is_some_and(|parent| is_daemon(processes, parent))
}

/// Who talks to the daemon of a directory; no directory where whose they are cannot be read.
pub fn askers(processes: &Processes, ours: &Path) -> Vec<(i32, Option<PathBuf>)> {
    let mut all = processes.all();
    all.retain(|pid| processes.is(*pid, CONTROL) && !serves(processes, *pid));
    let told = all.into_iter().map(|pid| (pid, place(processes, pid).ok()));
    told.filter(|(pid, theirs)| match theirs {
        Some(theirs) => same_place(processes, *pid, theirs, ours),
        // One that has just ended is nobody's.
        None => processes.is(*pid, CONTROL),
    })
    .collect()
}

/// The directory a daemon, a server or who talks to one was told of.
pub fn place(processes: &Processes, pid: i32) -> io::Result<PathBuf> {
    Ok(directory(processes.variable(pid, PIPES)?))
}

/// Whether what a process calls `theirs` is the directory that we call `ours`: they may have other mounts.
/// Where neither is there any more, they are the same if they are called the same.
pub fn same_place(processes: &Processes, pid: i32, theirs: &Path, ours: &Path) -> bool {
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    let seen = fs::metadata(processes.path(pid, theirs));
    match (seen.map(id), fs::metadata(ours).map(id)) {
        (Ok(theirs), Ok(ours)) => theirs == ours,
        (Err(_), Err(_)) => theirs == ours,
        _ => false,
    }
}

/// The control daemon of a directory, whether its lock is there or not: the first of them, for it is about
/// to become a server for a moment whenever it starts one.
pub fn serving(processes: &Processes, ours: &Path) -> Option<i32> {
    let is_here = |pid: &i32| {
        is_daemon(processes, *pid)
            && place(processes, *pid).is_ok_and(|it| same_place(processes, *pid, &it, ours))
    };
    processes.all().into_iter().filter(is_here).min_by_key(|pid| age(processes, *pid))
}

/// What tells the elder of two processes: when they were started, and their numbers.
pub fn age(processes: &Processes, pid: i32) -> (Option<u64>, i32) {
    (processes.started(pid), pid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    #[test]
    fn a_daemon_is_told_from_who_talks_to_it_and_from_its_server() {
        let here = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a";
        let made = MadeUp::of(&[
            (1, 0, "/sbin/init", ""),
            (5, 1, "/x/nvidia-cuda-mps-control -d", here),
            (6, 5, "/x/nvidia-cuda-mps-control -d", here),
            (7, 1, "nvidia-cuda-mps-control", here),
            (8, 1, "nvidia-cuda-mps-server -d", here),
            (9, 1, "nvidia-cuda-mps-control -f", "A=b CUDA_MPS_PIPE_DIRECTORY=/nowhere/b"),
        ]);
        let mut daemons = made.0.all();
        daemons.retain(|pid| is_daemon(&made.0, *pid));
        daemons.sort_unstable();
        assert_eq!(daemons, [5, 6, 9]);
        let here = |name| serving(&made.0, Path::new(name));
        assert_eq!(here("/nowhere/a"), Some(5));
        assert_eq!(here("/nowhere/b"), Some(9));
        assert_eq!(here("/nowhere/c"), None);
        assert!(is_passing(&made.0, 6) && !is_passing(&made.0, 5));
    }

    #[test]
    fn who_talks_to_a_daemon_is_known_by_its_directory() {
        let here = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a";
        let session = |told| (7, 1, "/x/nvidia-cuda-mps-control", told);
        let daemon = (5, 1, "/x/nvidia-cuda-mps-control -d", here);
        let found = |told| askers(&MadeUp::of(&[daemon, session(told)]).0, Path::new("/nowhere/a"));
        assert_eq!(found(here), [(7, Some("/nowhere/a".into()))]);
        assert_eq!(found("CUDA_MPS_PIPE_DIRECTORY=/nowhere/b"), []);
        assert_eq!(found("?"), [(7, None)]);
    }

    #[test]
    fn a_place_is_known_by_what_it_is_not_by_how_it_is_called() {
        let made = MadeUp::of(&[(5, 1, "nvidia-cuda-mps-control -d", "")]);
        let real = made.0.file(5, "");
        let (link, other) = (made.0.file(5, "link"), made.0.file(5, "root"));
        std::os::unix::fs::symlink(&real, &link).expect("ours");
        assert!(same_place(&made.0, 5, &link, &real));
        assert!(!same_place(&made.0, 5, &other, &real));
        assert!(!same_place(&made.0, 5, Path::new("/nowhere"), &real));
    }
}
