//! Who else of MPS runs on this machine: other daemons, whoever talks to this one, servers that were
//! left.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsStr;
use std::path::Path;

use cuota_core::mps::{PIPES, directory};

use super::Here;
use crate::doctor::check::{Check, Severity};
use crate::mps::{CONTROL, servers};
use crate::processes::Processes;

const SESSION: &str = "the daemon listens to one at a time: meanwhile all others who ask it fail";
const SECOND: &str = "two daemons of one GPU each start a server, and the clients of one take turns with the other's";
const ORPHANS: &str =
    "a server whose daemon has ended keeps the device, and the next daemon starts another";

const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

/// What was found; where not all processes can be seen, that nothing was found says nothing, and nobody
/// is told so where there is no MPS.
fn found(here: &Here, id: &'static str, why: &'static str, nothing: &str) -> Option<Check> {
    if here.processes.are_all_seen() {
        return Some(Check::ok(id, why, nothing.to_owned()));
    }
    let reason = "processes of other PID namespaces or other users cannot be seen";
    here.is_in_play().then(|| Check::not_looked_at(id, why, reason))
}

/// The control program run to talk to the daemon, not as one.
pub fn sessions(here: &Here) -> Option<Check> {
    if !here.answers() {
        return None;
    }
    let Here { processes, place, .. } = here;
    let talks = |pid: &i32| {
        processes.is(*pid, CONTROL)
            && !is_daemon(processes, *pid)
            && Some(*pid) != here.process()
            && servers::is_of(processes, *pid, place)
    };
    let Some(pid) = processes.all().into_iter().find(talks) else {
        return found(here, "mps-asker", SESSION, "nobody is talking to the daemon");
    };
    let found = format!("process {pid} is talking to the daemon");
    let advice =
        format!("If it is a session somebody left open, end it: kill {pid}. The daemon goes on.");
    Some(Check::ok("mps-asker", SESSION, found).worse(Severity::Warn, advice))
}

/// Daemons of other directories.
pub fn daemons(here: &Here) -> Option<Check> {
    let ours = match here.process() {
        Some(pid) => here.processes.variable(pid, VISIBLE).ok().flatten(),
        None => env::var_os(VISIBLE),
    };
    let others = beside(&here.processes, &here.place, ours.as_deref());
    if others.is_empty() {
        return found(here, "mps-second", SECOND, "no daemon of another directory is seen");
    }
    let found = format!("an MPS daemon of another directory: {}", others.join(", "));
    let check = Check::ok("mps-second", SECOND, found);
    Some(match here.answers() {
        true => check.worse(
            Severity::Warn,
            "Stop one of them, or give each devices of its own (CUDA_VISIBLE_DEVICES of the daemon).",
        ),
        false => check.worse(Severity::Info, ""),
    })
}

/// Those that may have a device of ours.
fn beside(processes: &Processes, place: &Path, ours: Option<&OsStr>) -> Vec<String> {
    let daemons = processes
        .all()
        .into_iter()
        .filter(|pid| processes.is(*pid, CONTROL) && is_daemon(processes, *pid));
    let others = daemons.filter_map(|pid| {
        let other = directory(processes.variable(pid, PIPES).ok()?);
        let theirs = processes.variable(pid, VISIBLE).ok()?;
        (other != place && may_share(ours, theirs.as_deref()))
            .then(|| format!("process {pid} in {}", other.display()))
    });
    others.collect()
}

fn is_daemon(processes: &Processes, pid: i32) -> bool {
    processes.words(pid).iter().skip(1).any(|word| word == "-d" || word == "-f")
}

/// Whether two processes told of these devices may have one in common: two names may be one device's.
fn may_share(one: Option<&OsStr>, other: Option<&OsStr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let (one, other) = (one.to_string_lossy(), other.to_string_lossy());
    let are_numbers = |list: &str| list.split(',').all(|entry| entry.trim().parse::<u32>().is_ok());
    let alike = are_numbers(&one) == are_numbers(&other);
    !alike || one.split(',').any(|entry| other.split(',').any(|it| it.trim() == entry.trim()))
}

pub fn orphans(here: &Here) -> Option<Check> {
    let left: Vec<String> =
        servers::left(&here.processes, &here.place).iter().map(ToString::to_string).collect();
    if left.is_empty() {
        return found(here, "mps-left", ORPHANS, "no server without a daemon");
    }
    let found = format!("server without a daemon: process {}", left.join(", "));
    let advice = format!("End it, once its clients are gone: kill {}.", left.join(" "));
    Some(Check::ok("mps-left", ORPHANS, found).worse(Severity::Warn, advice))
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
            beside(&made.0, Path::new("/ours"), ours.map(OsStr::new))
        };
        assert_eq!(found(&made, None), [""; 0], "itself, and a session of another");
        let second = "nvidia-cuda-mps-control -f";
        let made = daemon(made, 7, second, &[&other, "CUDA_VISIBLE_DEVICES=1,2"]);
        for shared in [None, Some("0,1"), Some("GPU-ab")] {
            assert_eq!(found(&made, shared), ["process 7 in /other"], "{shared:?}");
        }
        assert_eq!(found(&made, Some("0,3")), [""; 0]);
    }
}
