//! Daemons of other directories on this machine: two daemons of one GPU each start a server there, and what
//! one is told of limits and turns the other does not know.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use super::daemons::{age, is_daemon, is_passing, place, same_place};
use super::devices::Devices;
use crate::processes::Processes;

/// A daemon that may have a device of ours.
pub struct Other {
    pub pid: i32,
    /// Its directory; nothing where it may not be read what it was told.
    pub place: Option<PathBuf>,
}

impl Other {
    pub fn in_words(&self) -> String {
        match &self.place {
            Some(place) => format!("process {} (of {})", self.pid, place.display()),
            None => format!("process {} (whose environment this user may not read)", self.pid),
        }
    }
}

/// Daemons of other directories than ours that may have one of these devices.
pub fn beside(processes: &Processes, ours: &Path, devices: &Devices) -> Vec<Other> {
    let mut all = processes.all();
    all.retain(|pid| is_daemon(processes, *pid) && !is_passing(processes, *pid));
    all.sort_unstable();
    all.into_iter().filter_map(|pid| conflict(processes, pid, ours, devices)).collect()
}

fn conflict(processes: &Processes, pid: i32, ours: &Path, devices: &Devices) -> Option<Other> {
    let (Ok(theirs), Ok(its)) = (place(processes, pid), Devices::of(processes, pid)) else {
        // One that has just ended is in nobody's way.
        return is_daemon(processes, pid).then_some(Other { pid, place: None });
    };
    let apart = same_place(processes, pid, &theirs, ours) || its.differ_from(devices);
    (!apart).then_some(Other { pid, place: Some(theirs) })
}

/// Words for those that keep a daemon from starting; nothing if there is none. `than`: only those that are
/// older than this process.
pub fn in_the_way(
    processes: &Processes,
    ours: &Path,
    devices: &Devices,
    than: Option<i32>,
) -> Option<String> {
    let elder = |pid| than.is_none_or(|than| age(processes, pid) < age(processes, than));
    let mut others = beside(processes, ours, devices);
    others.retain(|other| elder(other.pid));
    if others.is_empty() {
        return None;
    }
    let all: Vec<String> = others.iter().map(Other::in_words).collect();
    Some(format!(
        "another MPS daemon may have the same device: {}.\n\
         Stop it (cuota mps stop --pipes ITS_DIRECTORY); or name each one's devices by UUID in its own \
         CUDA_VISIBLE_DEVICES, so that they are known to differ; or say --beside, if you know that they do.",
        all.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    const DAEMON: &str = "/x/nvidia-cuda-mps-control -d";
    const A: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a CUDA_VISIBLE_DEVICES=GPU-aa";
    const B: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/b CUDA_VISIBLE_DEVICES=GPU-bb";
    const ALL: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/all";

    fn found(devices: Option<&str>, than: Option<i32>, environment: &str) -> Option<String> {
        let made =
            MadeUp::of(&[(1, 0, "init", ""), (5, 1, DAEMON, environment), (9, 1, DAEMON, A)]);
        let devices = Devices::named(devices.map(Into::into));
        in_the_way(&made.0, Path::new("/nowhere/a"), &devices, than)
    }

    #[test]
    fn another_daemon_is_in_the_way_unless_its_devices_are_others() {
        assert_eq!(found(Some("GPU-aa"), None, A), None, "our own");
        assert_eq!(found(Some("GPU-aa"), None, B), None);
        assert!(found(None, None, B).is_some_and(|it| it.contains("process 5 (of /nowhere/b)")));
        assert!(found(Some("GPU-bb"), None, B).is_some());
        assert!(found(Some("GPU-aa"), None, ALL).is_some());
        let unread = found(Some("GPU-aa"), None, "?");
        assert!(unread.is_some_and(|it| it.contains("may not read")));
    }

    #[test]
    fn of_two_that_came_at_once_the_elder_stays() {
        assert!(found(None, Some(9), ALL).is_some(), "it is the elder");
        assert_eq!(found(None, Some(4), ALL), None);
    }
}
