//! Who else of MPS runs on this machine: other daemons, whoever talks to this one, servers that were
//! left.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use cuota_core::mps::{PIPES, directory};

use super::Here;
use crate::doctor::check::{Check, Severity};
use crate::mps::process::PROC;
use crate::mps::{CONTROL, servers};
use crate::processes::Processes;

/// A check of who is there, and its words where nobody is.
struct Question {
    id: &'static str,
    why: &'static str,
    nobody: &'static str,
}

const SESSION: Question = Question {
    id: "mps-asker",
    why: "the daemon listens to one at a time: meanwhile all others who ask it fail",
    nobody: "nobody is talking to the daemon",
};
const SECOND: Question = Question {
    id: "mps-second",
    why: "two daemons of one GPU each start a server, and the clients of one take turns with the other's",
    nobody: "no daemon of another directory is seen",
};
const ORPHANS: Question = Question {
    id: "mps-left",
    why: "a server whose daemon has ended keeps the device, and the next daemon starts another",
    nobody: "no server without a daemon",
};

const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

impl Question {
    fn somebody(&self, found: String) -> Check {
        Check::ok(self.id, self.why, found)
    }

    /// Where not all can be seen, that nobody was found says nothing; and that is not said where there is to
    /// be no MPS.
    fn nobody(&self, here: &Here, hidden: &[i32]) -> Option<Check> {
        let reason = match hidden.first() {
            None if here.processes.are_all_seen() => {
                return Some(Check::ok(self.id, self.why, self.nobody.to_owned()));
            }
            None => "processes of other PID namespaces or other users cannot be seen".to_owned(),
            Some(pid) => format!("which directory process {pid} is about may not be read"),
        };
        here.is_in_play().then(|| Check::not_looked_at(self.id, self.why, &reason))
    }
}

/// The control program run to talk to the daemon, not as one.
pub fn sessions(here: &Here) -> Option<Check> {
    if !here.answers() {
        return None;
    }
    let (askers, hidden) = told_of(&here.processes, |pid, place| {
        let talks =
            place == here.place && !is_daemon(&here.processes, pid) && Some(pid) != here.process();
        talks.then_some(pid)
    });
    let Some(pid) = askers.first() else {
        let hidden: Vec<i32> =
            hidden.into_iter().filter(|pid| !is_daemon(&here.processes, *pid)).collect();
        return SESSION.nobody(here, &hidden);
    };
    let found = format!("process {pid} is talking to the daemon");
    let advice =
        format!("If it is a session somebody left open, end it: kill {pid}. The daemon goes on.");
    Some(SESSION.somebody(found).worse(Severity::Warn, advice))
}

/// Daemons of other directories.
pub fn daemons(here: &Here) -> Option<Check> {
    let Here { processes, place, .. } = here;
    let ours = match here.process() {
        Some(pid) => processes.variable(pid, VISIBLE).ok().flatten(),
        None => env::var_os(VISIBLE),
    };
    let (others, hidden) = beside(processes, place, ours.as_deref());
    if others.is_empty() {
        let others = hidden.into_iter().filter(|pid| Some(*pid) != here.process());
        return SECOND.nobody(here, &others.collect::<Vec<_>>());
    }
    let found = format!("an MPS daemon of another directory: {}", others.join(", "));
    if here.answers() {
        let advice = "Stop one of them, or give each devices of its own (CUDA_VISIBLE_DEVICES of the daemon).";
        return Some(SECOND.somebody(found).worse(Severity::Warn, advice));
    }
    let found = found + ". A program finds it if CUDA_MPS_PIPE_DIRECTORY names that";
    Some(SECOND.somebody(found).worse(Severity::Info, ""))
}

/// Those that may have a device of ours, and those of which that cannot be read.
fn beside(processes: &Processes, ours: &Path, devices: Option<&OsStr>) -> (Vec<String>, Vec<i32>) {
    let (found, hidden) = told_of(processes, |pid, place| {
        let theirs = processes.variable(pid, VISIBLE).ok()?;
        let other = is_daemon(processes, pid) && place != ours;
        (other && may_share(devices, theirs.as_deref()))
            .then(|| format!("process {pid} in {}", place.display()))
    });
    (found, hidden.into_iter().filter(|pid| is_daemon(processes, *pid)).collect())
}

/// What is made of each process of the control program and its directory, and those whose directory cannot be
/// read.
fn told_of<T>(processes: &Processes, of: impl Fn(i32, PathBuf) -> Option<T>) -> (Vec<T>, Vec<i32>) {
    let (mut found, mut hidden) = (Vec::new(), Vec::new());
    for pid in processes.all().into_iter().filter(|pid| processes.is(*pid, CONTROL)) {
        match processes.variable(pid, PIPES) {
            Ok(named) => found.extend(of(pid, directory(named))),
            // One that has just ended is nobody's.
            Err(_) if processes.is(pid, CONTROL) => hidden.push(pid),
            Err(_) => {}
        }
    }
    (found, hidden)
}

fn is_daemon(processes: &Processes, pid: i32) -> bool {
    processes.words(pid).iter().skip(1).any(|word| word == "-d" || word == "-f")
}

/// Whether two processes told of these devices may have one in common: a number and a UUID may be one device's,
/// and so may two of which one is the other's beginning.
fn may_share(one: Option<&OsStr>, other: Option<&OsStr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let (one, other) = (one.to_string_lossy(), other.to_string_lossy());
    let is_number = |entry: &str| entry.parse::<u32>().is_ok();
    one.split(',').map(str::trim).any(|entry| {
        other.split(',').map(str::trim).any(|it| match (is_number(entry), is_number(it)) {
            (true, true) => entry == it,
            (false, false) => entry.starts_with(it) || it.starts_with(entry),
            _ => true,
        })
    })
}

pub fn orphans(here: &Here) -> Option<Check> {
    let left: Vec<String> =
        servers::left(Path::new(PROC), &here.place).iter().map(ToString::to_string).collect();
    if left.is_empty() {
        return ORPHANS.nobody(here, &[]);
    }
    let found = format!("server without a daemon: process {}", left.join(", "));
    let advice = format!("End it, once its clients are gone: kill {}.", left.join(" "));
    Some(ORPHANS.somebody(found).worse(Severity::Warn, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;

    #[test]
    fn another_daemon_matters_if_it_may_have_the_same_device() {
        let in_directory = |name: &str| format!("{PIPES}=/{name}");
        let daemon = |made: MadeUp, pid, words: &str, told: &[&str]| {
            made.with(pid, 1, &format!("/x/{words}"), 0, told)
        };
        let (ours, other) = (in_directory("ours"), in_directory("other"));
        let made = daemon(MadeUp::new(), 5, "nvidia-cuda-mps-control -d", &[&ours]);
        let made = daemon(made, 6, "nvidia-cuda-mps-control", &[&other]);
        let found = |made: &MadeUp, ours: Option<&str>| {
            beside(&made.0, Path::new("/ours"), ours.map(OsStr::new)).0
        };
        assert_eq!(found(&made, None), [""; 0], "itself, and a session of another");
        let second = "nvidia-cuda-mps-control -f";
        let made = daemon(made, 7, second, &[&other, "CUDA_VISIBLE_DEVICES=1,2"]);
        for shared in [None, Some("0,1"), Some("GPU-ab")] {
            assert_eq!(found(&made, shared), ["process 7 in /other"], "{shared:?}");
        }
        assert_eq!(found(&made, Some("0,3")), [""; 0]);
        // One whose environment is no file that can be read.
        let made = daemon(made, 8, second, &[]).closed(8);
        assert_eq!(beside(&made.0, Path::new("/ours"), Some(OsStr::new("0"))).1, [8]);
    }

    #[test]
    fn which_devices_may_be_the_same() {
        let may = |one: &str, other: &str| may_share(Some(one.as_ref()), Some(other.as_ref()));
        assert!(may("0", "0,1") && may("GPU-ab", "GPU-abcd") && may("0", "GPU-ab"));
        assert!(!may("0", "1, 2") && !may("GPU-ab", "GPU-cd"));
    }
}
