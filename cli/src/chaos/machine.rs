//! The scratch machine of one drill: a simulated card, or the real one under a daemon of our own; and
//! ledgers that are nobody else's.
#![forbid(unsafe_code)]

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use cuota_core::book::{self, Fault};
use cuota_core::mps::PIPES;

use super::process::{Process, Told};
use crate::command::Failure;
use crate::mps::own::Own;
use crate::{library, program};

/// Of every client.
pub const QUOTA: u64 = 2 << 30;
/// How long a server may take until it is well again.
const RECOVERS: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// What all drills have in common.
pub struct Plan {
    /// The simulated one; none for the real one.
    pub driver: Option<PathBuf>,
    pub library: PathBuf,
    pub neighbours: usize,
    /// For all clients; it comes last.
    pub set: Vec<(String, String)>,
}

pub struct Machine<'a> {
    pub plan: &'a Plan,
    folder: PathBuf,
    pub daemon: Option<Own>,
    /// Of all clients on the simulated card.
    pub knobs: Vec<(&'static str, String)>,
}

impl Machine<'_> {
    pub fn new(plan: &Plan, folder: PathBuf) -> Result<Machine<'_>, Failure> {
        let ledgers = folder.join("ledgers");
        DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&ledgers)
            .map_err(|why| Failure::ours(format!("{}: {why}", ledgers.display())))?;
        let daemon = plan.driver.is_none().then(|| Own::start(&folder)).transpose()?;
        Ok(Machine { plan, folder, daemon, knobs: Vec::new() })
    }

    fn ledgers(&self) -> PathBuf {
        self.folder.join("ledgers")
    }

    /// A client that has a context; else the status it was refused with.
    pub fn start(&self, name: &str, set: &[(&str, &str)]) -> Result<Result<Process, u32>, Failure> {
        let failed = |why: io::Error| Failure::ours(format!("cannot start {name}: {why}"));
        let errors = self.folder.join(format!("{name}.stderr"));
        let mut command = program::itself().map_err(failed)?;
        let preload = library::appended(env::var_os("LD_PRELOAD").as_deref(), &self.plan.library)?;
        command
            .arg("chaos-client")
            .env("LD_PRELOAD", preload)
            .env("CUOTA_DIR", self.ledgers())
            .env("CUOTA_CLIENT", name)
            .env("CUOTA_VRAM", QUOTA.to_string())
            .envs(set.iter().copied())
            .stderr(File::create(&errors).map_err(failed)?);
        if let Some(driver) = &self.plan.driver {
            command
                .env("CUOTA_DRIVER", driver)
                // Where NVML is, without which it is not known that nobody else has the card.
                .env("LD_LIBRARY_PATH", driver.parent().unwrap_or(driver))
                .env("CUOTA_SIM", self.folder.join("machine"))
                .env("CUOTA_SIM_BYTES", "64GiB")
                .env("CUOTA_SIM_MPS", "1")
                .envs(self.knobs.iter().map(|(name, value)| (name, value)));
        }
        if let Some(daemon) = &self.daemon {
            command.env(PIPES, daemon.place()).env("CUOTA_MPS", "require");
        }
        command.envs(self.plan.set.iter().map(|(name, value)| (name, value)));
        let mut process = Process::start(name.to_owned(), command).map_err(failed)?;
        match process.hear() {
            Told::Status(0) => Ok(Ok(process)),
            Told::Status(status) => {
                process.end();
                Ok(Err(status))
            }
            Told::Nothing => {
                Err(Failure::ours(format!("{name} did not start:\n{}", said(&errors))))
            }
        }
    }

    /// One that must be there for the drill to be one.
    pub fn enter(&self, name: &str, set: &[(&str, &str)]) -> Result<Process, Failure> {
        let errors = self.folder.join(format!("{name}.stderr"));
        self.start(name, set)?.map_err(|status| {
            Failure::ours(format!("{name} could not start: {status}\n{}", said(&errors)))
        })
    }

    /// The neighbours there are in every drill, each a client of its own.
    pub fn neighbours(&self, set: &[(&str, &str)]) -> Result<Vec<Process>, Failure> {
        let name = |number| format!("neighbour-{number}");
        (1..=self.plan.neighbours).map(|number| self.enter(&name(number), set)).collect()
    }

    /// What a new client hears that starts now; it ends again.
    pub fn newcomer(&self) -> Result<u32, Failure> {
        Ok(match self.start("newcomer", &[])? {
            Ok(mut process) => {
                process.end();
                0
            }
            Err(status) => status,
        })
    }

    /// The same; where it must be let in some time, until it is: not for ever.
    pub fn newcomer_in_time_if(&self, must: bool) -> Result<u32, Failure> {
        let end = Instant::now() + if must { RECOVERS } else { Duration::ZERO };
        loop {
            match self.newcomer()? {
                status if status != 0 && Instant::now() < end => thread::sleep(PAUSE),
                status => return Ok(status),
            }
        }
    }

    /// What its ledger says took the device from a process.
    pub fn fault_of(&self, process: &Process) -> Option<Fault> {
        let file = self.ledgers().join(book::file_name(&process.name));
        let members = book::read(&file, 0).ok()?.members;
        members.into_iter().find(|member| member.pid == u64::from(process.pid()))?.fault
    }
}

fn said(errors: &Path) -> String {
    fs::read_to_string(errors).unwrap_or_default().trim_end().to_owned()
}
