//! MPS servers: those of a daemon, and those that have lost theirs.
#![forbid(unsafe_code)]

use std::path::Path;

use cuota_core::mps::{PIPES, directory};

use super::ask::{CONTROL, SERVER};
use crate::processes::Processes;

/// Servers of the directory's daemons whose parent is no daemon.
pub fn left(processes: &Processes, place: &Path) -> Vec<i32> {
    let lost = |pid: &i32| {
        // One that ends just now has no parent any more.
        processes.parent(*pid).is_some_and(|parent| !processes.is(parent, CONTROL))
            && is_of(processes, *pid, place)
    };
    all(processes).filter(lost).collect()
}

/// The servers a daemon has started.
pub fn of(processes: &Processes, daemon: i32) -> Vec<i32> {
    all(processes).filter(|pid| processes.parent(*pid) == Some(daemon)).collect()
}

fn all(processes: &Processes) -> impl Iterator<Item = i32> {
    processes.all().into_iter().filter(|pid| processes.is(*pid, SERVER))
}

/// Whether a process was told of that directory; it may be, where that cannot be read.
pub fn is_of(processes: &Processes, pid: i32, place: &Path) -> bool {
    processes.variable(pid, PIPES).map_or(true, |named| directory(named) == place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    /// Processes as `/proc` has them: pid, parent, and how they were started.
    fn made(processes: &[(i32, i32, &str)]) -> MadeUp {
        let with = |made: MadeUp, (pid, parent, words): &(i32, i32, &str)| {
            made.with(*pid, *parent, words, 0, &["A=b", &format!("{PIPES}=/pipes{}", pid / 10)])
        };
        processes.iter().fold(MadeUp::new(), with)
    }

    fn found(processes: &[(i32, i32, &str)]) -> Vec<i32> {
        left(&made(processes).0, Path::new("/pipes0"))
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
        let left = (7, 1, "/usr/bin/nvidia-cuda-mps-server");
        assert_eq!(found(&[shell, daemon, served, left]), [7]);
        assert_eq!(of(&made(&[shell, daemon, served, left]).0, 5), [6]);
    }
}
