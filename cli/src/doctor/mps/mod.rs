//! MPS as a program started here would meet it: the daemon and its directory, and what else would make
//! a client run beside it without a word.
#![forbid(unsafe_code)]

mod client;
mod daemon;
mod limits;
mod others;
mod started;
mod users;

use std::env;
use std::io;
use std::path::PathBuf;

use cuota_core::config::{Config, Mps};
use cuota_core::mps::{Daemon, PATIENCE, PIPES, directory, look};

use super::ask::Answers;
use super::check::Check;
use crate::mps::holder;
use crate::processes::Processes;

const LOGS: &str = "CUDA_MPS_LOG_DIRECTORY";

/// What was asked for, and what is there.
pub struct Here {
    pub place: PathBuf,
    /// Somebody named the directory, and expects a daemon in it.
    pub named: bool,
    pub wanted: Mps,
    pub daemon: Daemon,
    /// Of the daemon's lock: nobody, a process, or 0 for one of another PID namespace.
    pub holder: io::Result<Option<i32>>,
    pub processes: Processes,
}

impl Here {
    pub fn look() -> Here {
        let place = directory(env::var_os(PIPES));
        let (config, _) = Config::parse(&|name| env::var_os(name));
        Here {
            named: env::var_os(PIPES).is_some_and(|value| !value.is_empty()),
            wanted: config.mps,
            daemon: look(&place, PATIENCE),
            holder: holder(&place),
            place,
            processes: Processes::here(),
        }
    }

    pub fn answers(&self) -> bool {
        matches!(self.daemon, Daemon::Answers)
    }

    /// Whether a program started here is meant to be under MPS, or would be.
    pub fn is_in_play(&self) -> bool {
        self.answers() || self.named || self.wanted == Mps::Require
    }

    /// Where the daemon and its server write what they do.
    fn logs(&self) -> String {
        const USUAL: &str = "/var/log/nvidia-mps";
        let told = self.process().and_then(|pid| self.processes.variable(pid, LOGS).ok());
        let folder = told.map(|folder| folder.map_or(USUAL.into(), PathBuf::from));
        let folder =
            folder.map_or(" of the daemon".into(), |folder| format!(" in {}", folder.display()));
        format!("control.log and server.log{folder}")
    }

    /// The daemon's process, where it can be seen.
    pub fn process(&self) -> Option<i32> {
        self.holder.as_ref().ok().copied().flatten().filter(|pid| *pid > 0)
    }
}

pub fn checks(here: &Here, told: &Answers) -> Vec<Check> {
    let mut checks = vec![daemon::check(here), client::check(told, here), limits::misspelt()];
    checks.extend(client::code(told));
    checks.extend(limits::memory(told));
    if here.answers() {
        checks.extend([daemon::open_to_all(&here.place), daemon::lock(here)]);
        checks.extend(daemon::pid_file(here));
        checks.push(users::check(here));
        if let Some(pid) = here.process() {
            checks.push(started::preloaded(&here.processes, pid));
            checks.push(started::server_on_path(&here.processes, pid));
        }
    }
    checks.extend(others::sessions(here));
    checks.extend(others::second(here));
    checks.extend(others::orphans(here));
    checks
}
