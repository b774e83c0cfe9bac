//! Daemons of other directories on this machine: two daemons of one GPU each start a server there, and what
//! one is told of limits and turns the other does not know.
#![forbid(unsafe_code)]

use std::path::Path;

use super::devices::Devices;
use super::process::{age, all, is_daemon, parent, place, same_place};

/// Another daemon, and what is known of it.
struct Other {
    pid: i32,
    what: String,
}

/// Words for the daemons of other directories that may have a device of ours; nothing if there is none.
/// `than`: only those that are older than this process.
pub fn in_the_way(
    proc: &Path,
    ours: &Path,
    devices: &Devices,
    than: Option<i32>,
) -> Option<String> {
    let elder = |pid: &i32| than.is_none_or(|than| age(proc, *pid) < age(proc, than));
    let mut others: Vec<Other> = all(proc)
        .filter(|pid| is_daemon(proc, *pid) && elder(pid))
        // It becomes two for a moment whenever it starts a server.
        .filter(|pid| !parent(proc, *pid).is_some_and(|parent| is_daemon(proc, parent)))
        .filter_map(|pid| conflict(proc, pid, ours, devices))
        .collect();
    others.sort_unstable_by_key(|other| other.pid);
    if others.is_empty() {
        return None;
    }
    let all: Vec<String> =
        others.iter().map(|other| format!("process {} ({})", other.pid, other.what)).collect();
    Some(format!(
        "another MPS daemon may have the same device: {}.\n\
         Stop it (cuota mps stop --pipes ITS_DIRECTORY); or name each one's devices by UUID in its own \
         CUDA_VISIBLE_DEVICES, so that they are known to differ; or say --beside, if you know that they do.",
        all.join(", ")
    ))
}

fn conflict(proc: &Path, pid: i32, ours: &Path, devices: &Devices) -> Option<Other> {
    let (Ok(theirs), Ok(its)) = (place(proc, pid), Devices::of(proc, pid)) else {
        let what = "whose environment this user may not read".to_owned();
        return is_daemon(proc, pid).then_some(Other { pid, what });
    };
    let apart = same_place(proc, pid, &theirs, ours) || its.differ_from(devices);
    (!apart).then(|| Other { pid, what: format!("of {}", theirs.display()) })
}

#[cfg(test)]
mod tests {
    use super::super::process::tests::Made;
    use super::*;

    const DAEMON: &str = "/x/nvidia-cuda-mps-control -d";
    const A: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a CUDA_VISIBLE_DEVICES=GPU-aa";
    const B: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/b CUDA_VISIBLE_DEVICES=GPU-bb";
    const ALL: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/all";

    fn found(devices: Option<&str>, than: Option<i32>, environment: &str) -> Option<String> {
        let made = Made::of(&[(1, 0, "init", ""), (5, 1, DAEMON, environment), (9, 1, DAEMON, A)]);
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
