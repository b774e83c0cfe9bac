//! A daemon's MPS servers, and those that have lost theirs.
#![forbid(unsafe_code)]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::ask::{CONTROL, SERVER};
use super::daemons::{place, same_place, serving};
use super::devices::Devices;
use super::{PAUSE, SOON};
use crate::native::system;
use crate::processes::Processes;

/// Those of a daemon.
pub fn of(processes: &Processes, daemon: i32) -> Vec<i32> {
    let mut all = servers(processes);
    all.retain(|pid| processes.parent(*pid) == Some(daemon));
    all
}

/// Servers of the directory's daemons whose parent is no daemon; they may be, where that cannot be read.
pub fn left(processes: &Processes, ours: &Path) -> Vec<i32> {
    let mut all = lost(processes);
    all.retain(|pid| {
        place(processes, *pid).map_or(true, |theirs| same_place(processes, *pid, &theirs, ours))
    });
    all
}

/// Those that are ended before a daemon starts in a directory: its own and, unless it is to be beside others,
/// those of directories that nobody serves. Not those that may be somebody else's, for all that can be read.
pub fn to_end(processes: &Processes, ours: &Path, beside: bool, devices: &Devices) -> Vec<i32> {
    let mut all = left(processes, ours);
    all.retain(|pid| place(processes, *pid).is_ok());
    if !beside {
        all.extend(left_elsewhere(processes, ours, devices));
    }
    all
}

/// Servers of directories that nobody serves any more, and that may be on our devices.
fn left_elsewhere(processes: &Processes, ours: &Path, devices: &Devices) -> Vec<i32> {
    let mut all = lost(processes);
    all.retain(|pid| {
        let Ok(theirs) = place(processes, *pid) else { return false };
        let on = Devices::of(processes, *pid);
        !same_place(processes, *pid, &theirs, ours)
            && serving(processes, &theirs).is_none()
            && on.is_ok_and(|on| !on.differ_from(devices))
    });
    all
}

fn lost(processes: &Processes) -> Vec<i32> {
    let mut all = servers(processes);
    // One that ends just now has no parent any more.
    all.retain(|pid| processes.parent(*pid).is_some_and(|parent| !processes.is(parent, CONTROL)));
    all
}

fn servers(processes: &Processes) -> Vec<i32> {
    let mut all = processes.all();
    all.retain(|pid| processes.is(*pid, SERVER));
    all
}

/// Ends a server, and waits until it is gone: it is asked, and then made to.
pub fn end(processes: &Processes, server: i32) -> bool {
    let gone = |patience: Duration| {
        let end = Instant::now() + patience;
        while processes.is(server, SERVER) {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    };
    if !system::terminate(server) {
        return gone(Duration::ZERO);
    }
    gone(SOON) || (system::kill(server) && gone(SOON))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    const HERE: &str = "A=b CUDA_MPS_PIPE_DIRECTORY=/nowhere/0";
    const THERE: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/1 CUDA_VISIBLE_DEVICES=GPU-1";

    /// What is left of the directory's, and what is ended.
    fn found(processes: &[(i32, i32, &str, &str)], beside: bool) -> (Vec<i32>, Vec<i32>) {
        let made = MadeUp::of(processes);
        let ours = Path::new("/nowhere/0");
        let devices = Devices::named(Some("GPU-0".into()));
        (left(&made.0, ours), to_end(&made.0, ours, beside, &devices))
    }

    #[test]
    fn a_server_is_left_if_its_parent_is_no_daemon() {
        let shell = (1, 0, "/sbin/init", "");
        let daemon = (5, 1, "/x/nvidia-cuda-mps-control -d", HERE);
        let served = (6, 5, "nvidia-cuda-mps-server", HERE);
        let none = (vec![], vec![]);
        assert_eq!(found(&[shell], true), none);
        assert_eq!(found(&[shell, daemon, served], true), none);
        let made = MadeUp::of(&[shell, daemon, served, (7, 1, SERVER, HERE)]);
        assert_eq!((of(&made.0, 5), of(&made.0, 8)), (vec![6], vec![]));
        // Dead, and not waited for.
        assert_eq!(found(&[shell, (7, 1, "", HERE)], true), none);
        let orphan = (7, 1, "/usr/bin/nvidia-cuda-mps-server", HERE);
        assert_eq!(found(&[shell, daemon, served, orphan], true), (vec![7], vec![7]));
        // Whose it is cannot be read: it may be ours, and is not ours to end.
        assert_eq!(found(&[shell, (7, 1, SERVER, "?")], false), (vec![7], vec![]));
    }

    #[test]
    fn one_of_a_directory_that_nobody_serves_is_left_unless_its_devices_are_others() {
        let shell = (1, 0, "/sbin/init", "");
        let other = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/1";
        let orphan = (7, 1, SERVER, other);
        assert_eq!(found(&[shell, orphan], false), (vec![], vec![7]));
        assert_eq!(found(&[shell, orphan], true), (vec![], vec![]));
        assert_eq!(found(&[shell, (7, 1, SERVER, THERE)], false), (vec![], vec![]));
        // Somebody has started another daemon there, and sees to it.
        let successor = (8, 1, "nvidia-cuda-mps-control -d", other);
        assert_eq!(found(&[shell, orphan, successor], false), (vec![], vec![]));
    }
}
