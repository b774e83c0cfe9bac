//! `cuota doctor PID`: a process that runs, looked at from outside.
#![forbid(unsafe_code)]

mod account;
mod loaded;
mod settings;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use cuota_core::shm::file;

use super::check::{Check, Severity};
use crate::command::Failure;
use crate::exports;
use crate::maps::{Mapping, mappings};
use crate::processes::Processes;

pub fn checks(pid: i32) -> Result<Vec<Check>, Failure> {
    let processes = Processes::here();
    if !processes.file(pid, "").exists() {
        return Err(Failure::ours(format!(
            "no process {pid} can be seen from here\nA process of a container has another number inside it than outside."
        )));
    }
    let seen = Seen::of(&processes, pid);
    let mut checks = vec![seen.who()];
    checks.extend(loaded::checks(&seen));
    checks.push(settings::check(&seen));
    checks.extend(account::checks(&seen));
    Ok(checks)
}

/// What may be read of the process.
struct Seen<'a> {
    processes: &'a Processes,
    pid: i32,
    /// As it was started.
    environment: io::Result<Vec<(OsString, OsString)>>,
    mapped: io::Result<Vec<Mapping>>,
}

const MAY_NOT: &str =
    "this user may not read it: run doctor as the process's user, or as root outside of containers";

/// Of a command line, to know it by.
const ENOUGH: usize = 80;

impl<'a> Seen<'a> {
    fn of(processes: &'a Processes, pid: i32) -> Seen<'a> {
        let mapped = processes.text(pid, "maps").map(|text| mappings(&text));
        Seen { processes, pid, environment: processes.environment(pid), mapped }
    }

    fn who(&self) -> Check {
        const WHY: &str = "what may not be read of a process is not known of it";
        let words = self.processes.words(self.pid);
        let words: Vec<String> = words.iter().map(|word| word.display().to_string()).collect();
        let words: String = words.join(" ").chars().take(ENOUGH).collect();
        let user = self.processes.user(self.pid);
        let whose =
            user.map_or("a user's that cannot be told".into(), |user| format!("user {user}'s"));
        let found = format!("process {} is {whose}: {}", self.pid, words);
        let check = Check::ok("process", WHY, found);
        match &self.mapped {
            Ok(mapped) if mapped.is_empty() => {
                let found = format!("process {} has ended, and is not waited for yet", self.pid);
                Check::ok("process", WHY, found).worse(Severity::Info, "")
            }
            Ok(_) => check,
            Err(_) => {
                let found = format!(
                    "{}; this is user {}, and {MAY_NOT}",
                    check.found,
                    file::effective_user()
                );
                Check { found, ..check }.worse(Severity::Unknown, "")
            }
        }
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        let all = self.environment.as_ref().ok()?;
        all.iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    fn file(&self, path: &Path) -> PathBuf {
        self.processes.path(self.pid, path)
    }

    /// Mapped libraries that have that name, each once.
    fn that_export(&self, name: &str) -> Vec<&Mapping> {
        let mut found: Vec<&Mapping> = Vec::new();
        for mapping in self.mapped.iter().flatten().filter(|mapping| mapping.is_code) {
            let known = found.iter().any(|it| it.path == mapping.path);
            if !known && exports::of(&self.file(&mapping.path)).is_ok_and(|it| it.contains(name)) {
                found.push(mapping);
            }
        }
        found
    }
}
