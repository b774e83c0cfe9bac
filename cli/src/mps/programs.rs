//! NVIDIA's programs: looked for before anything is done, and the daemon started until it answers.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use cuota_core::mps::{Daemon, PATIENCE, look};

use super::ask::{self, SERVER};
use super::{NOT_SO, PAUSE, SOON};
use crate::command::Failure;
use crate::program;

/// What has to be there before anything is started.
pub struct Programs {
    control: PathBuf,
}

impl Programs {
    pub fn find() -> Result<Programs, Failure> {
        let control = ask::control()?;
        program::find(SERVER.as_ref()).map_err(|failure| Failure {
            text: format!(
                "{}\nThe daemon starts it from its PATH when the first client comes: add its folder to PATH.",
                failure.text
            ),
            ..failure
        })?;
        Ok(Programs { control })
    }

    pub fn start(&self, place: &Path, log: &Path) -> Result<(), Failure> {
        let started = ask::command(&self.control, place)
            .arg("-d")
            .env("CUDA_MPS_LOG_DIRECTORY", log)
            .stdin(Stdio::null())
            .output()
            .map_err(|why| Failure::ours(format!("{}: {why}", self.control.display())))?;
        let end = Instant::now() + SOON;
        while !matches!(look(place, PATIENCE), Daemon::Answers) {
            if !started.status.success() || Instant::now() > end {
                let said = String::from_utf8_lossy(&started.stdout).trim().to_owned();
                let said = if said.is_empty() { String::new() } else { format!(": {said}") };
                let text = format!(
                    "the daemon has not come up in {}{said}; see {}",
                    place.display(),
                    log.join("control.log").display()
                );
                return Err(Failure { status: NOT_SO, text });
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}
