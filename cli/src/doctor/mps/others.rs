//! Who else of MPS runs on this machine: other daemons, whoever talks to this one, servers that were
//! left.
#![forbid(unsafe_code)]

use super::Here;
use crate::doctor::check::{Check, Severity};
use crate::mps::devices::Devices;
use crate::mps::others::{Other, beside};
use crate::mps::{daemons, servers};

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
    nobody: "no daemon of another directory may have the same device",
};
const ORPHANS: Question = Question {
    id: "mps-left",
    why: "a server whose daemon has ended keeps the device, and the next daemon starts another",
    nobody: "no server without a daemon",
};

impl Question {
    fn somebody(&self, found: String) -> Check {
        Check::ok(self.id, self.why, found)
    }

    /// Where not all can be seen, that nobody was found says nothing; and that is not said where there is to
    /// be no MPS.
    fn nobody(&self, here: &Here, hidden: Option<i32>) -> Option<Check> {
        let reason = match hidden {
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
    let askers = daemons::askers(&here.processes, &here.place);
    let Some((pid, _)) = askers.iter().find(|(_, place)| place.is_some()) else {
        return SESSION.nobody(here, askers.first().map(|(pid, _)| *pid));
    };
    let found = format!("process {pid} is talking to the daemon");
    let advice = format!(
        "If it is still there in a minute (ps -fp {pid}), somebody left it open: kill {pid}. The daemon goes on."
    );
    Some(SESSION.somebody(found).worse(Severity::Warn, advice))
}

/// Daemons of other directories.
pub fn second(here: &Here) -> Option<Check> {
    let Here { processes, place, .. } = here;
    let ours = match here.process() {
        Some(pid) => Devices::of(processes, pid).unwrap_or_else(|_| Devices::named(None)),
        None => Devices::ours(),
    };
    let mut others = beside(processes, place, &ours);
    others.retain(|other| Some(other.pid) != here.process());
    let known: Vec<String> =
        others.iter().filter(|other| other.place.is_some()).map(Other::in_words).collect();
    if known.is_empty() {
        return SECOND.nobody(here, others.first().map(|other| other.pid));
    }
    let found = format!(
        "beside the daemon looked at here these may have the same device: {}",
        known.join(", ")
    );
    if here.answers() {
        let advice = "Keep one for a device, and stop the others when their clients may be interrupted; or name each one's devices by UUID in its own CUDA_VISIBLE_DEVICES: a number may be any device.";
        return Some(SECOND.somebody(found).worse(Severity::Warn, advice));
    }
    let found = found + ". A program finds it if CUDA_MPS_PIPE_DIRECTORY names its directory";
    Some(SECOND.somebody(found).worse(Severity::Info, ""))
}

pub fn orphans(here: &Here) -> Option<Check> {
    let left: Vec<String> =
        servers::left(&here.processes, &here.place).iter().map(ToString::to_string).collect();
    if left.is_empty() {
        return ORPHANS.nobody(here, None);
    }
    let found = format!("server without a daemon: process {}", left.join(", "));
    let advice = format!("End it, once its clients are gone: kill {}.", left.join(" "));
    Some(ORPHANS.somebody(found).worse(Severity::Warn, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::made_up::MadeUp;
    use cuota_core::config::Mps;
    use cuota_core::mps::Daemon;

    const INIT: (i32, i32, &str, &str) = (1, 0, "/sbin/init", "");
    const DAEMON: &str = "/x/nvidia-cuda-mps-control -d";
    const HERE: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/a CUDA_VISIBLE_DEVICES=GPU-aa";
    const THERE: &str = "CUDA_MPS_PIPE_DIRECTORY=/nowhere/b CUDA_VISIBLE_DEVICES=";

    type Question = fn(&super::Here) -> Option<Check>;

    /// What is said of a machine with our daemon, and one more process.
    #[track_caller]
    fn says(
        of: Question,
        daemon: Daemon,
        more: (i32, &str, &str),
        severity: Severity,
        words: &str,
    ) {
        let (pid, started, told) = more;
        let made = MadeUp::of(&[INIT, (5, 1, DAEMON, HERE), (pid, 1, started, told)]).all_seen();
        let here = super::Here {
            place: "/nowhere/a".into(),
            named: true,
            wanted: Mps::Prefer,
            daemon,
            holder: Ok(Some(5)),
            processes: made.0.clone(),
        };
        let said = of(&here).expect("it is in play");
        assert!(said.severity == severity && said.found.contains(words), "{said:?}");
    }

    #[test]
    fn a_second_daemon_is_told_of_unless_uuids_say_that_its_devices_are_others() {
        let on = |devices| format!("{THERE}{devices}");
        let other = "process 7 (of /nowhere/b)";
        for shared in ["GPU-aa", "0", "1", "GPU-bb,1"] {
            says(second, Daemon::Answers, (7, DAEMON, &on(shared)), Severity::Warn, other);
            says(second, Daemon::NoSocket, (7, DAEMON, &on(shared)), Severity::Info, other);
        }
        let none = "no daemon of another directory";
        says(second, Daemon::Answers, (7, DAEMON, &on("GPU-bb")), Severity::Ok, none);
        says(second, Daemon::Answers, (7, DAEMON, HERE), Severity::Ok, none);
        says(second, Daemon::Answers, (7, DAEMON, "?"), Severity::Unknown, "process 7");
    }

    #[test]
    fn who_talks_to_the_daemon_is_told_of() {
        let program = "/x/nvidia-cuda-mps-control";
        let ours = (7, program, HERE);
        says(sessions, Daemon::Answers, ours, Severity::Warn, "process 7 is talking");
        let nobody = "nobody is talking";
        says(sessions, Daemon::Answers, (7, program, THERE), Severity::Ok, nobody);
        says(sessions, Daemon::Answers, (7, DAEMON, HERE), Severity::Ok, nobody);
        says(sessions, Daemon::Answers, (7, program, "?"), Severity::Unknown, "process 7");
    }

    #[test]
    fn a_server_that_was_left_is_told_of() {
        let server = "/x/nvidia-cuda-mps-server";
        says(orphans, Daemon::Answers, (7, server, HERE), Severity::Warn, "process 7");
        says(orphans, Daemon::Answers, (7, server, THERE), Severity::Ok, "no server without");
    }
}
