//! How a daemon comes up: beside no other that may have its devices, in a directory that only its user writes
//! to, and until it answers.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};

use super::defaults::Defaults;
use super::devices::Devices;
use super::programs::Programs;
use super::{NOT_SO, PAUSE, STOPPED, TURN, daemons, known_holder, mode, others, stop};
use crate::command::Failure;
use crate::processes::Processes;

/// How a daemon is to be.
#[derive(Args, Default)]
pub struct How {
    /// Where it keeps its logs [default: beside its directory, with `-log` behind the name]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// Start it even if another directory's daemon may have the same device; what that one leaves is left
    #[arg(long)]
    pub beside: bool,
    /// Let nobody use its devices but through it (nvidia-smi -c EXCLUSIVE_PROCESS), until it is stopped
    #[arg(long)]
    exclusive: bool,
    #[command(flatten)]
    pub defaults: Defaults,
}

/// Starts a daemon, and says where it logs; nothing if one runs already.
pub fn bring_up(place: &Path, how: &How) -> Result<Option<PathBuf>, Failure> {
    if is_there(place)? {
        if how.exclusive {
            mode::exclude(place)?;
        }
        return Ok(None);
    }
    let devices = Devices::ours();
    let other = |than| match how.beside {
        true => None,
        false => others::in_the_way(&Processes::here(), place, &devices, than),
    };
    let refused = |text: String| Failure { status: NOT_SO, text };
    if let Some(text) = other(None) {
        return Err(refused(text));
    }
    let programs = Programs::find()?;
    let log = match &how.log {
        Some(given) => crate::places::absolute("--log", given)?,
        None => beside(place),
    };
    make(place)?;
    make(&log)?;
    let _ = fs::remove_file(place.join(STOPPED));
    if how.exclusive {
        mode::exclude(place)?;
    }
    let started = programs.start(place, &log).and_then(|()| {
        // Two may have looked at once, before either had started its own.
        match known_holder(place).and_then(|pid| other(Some(pid))) {
            None => Ok(()),
            Some(text) => {
                stop::end(place, Duration::ZERO)?;
                // Nobody has asked for that.
                let _ = fs::remove_file(place.join(STOPPED));
                Err(refused(text))
            }
        }
    });
    if let Err(why) = started {
        if how.exclusive {
            // Where that fails, it is still kept, and `stop` tries again.
            let _ = mode::restore(place);
        }
        return Err(why);
    }
    Ok(Some(log))
}

/// Whether a daemon of the directory answers. It is waited for if it has only just been started.
fn is_there(place: &Path) -> Result<bool, Failure> {
    let refused = |text: String| Err(Failure { status: NOT_SO, text });
    let end = Instant::now() + TURN;
    loop {
        match look(place, PATIENCE) {
            Daemon::Answers => return Ok(true),
            found @ (Daemon::Silent | Daemon::Foreign | Daemon::Forbidden | Daemon::TooLong) => {
                return refused(found.in_words(place));
            }
            _ => {}
        }
        let Some(pid) = daemons::serving(&Processes::here(), place) else { return Ok(false) };
        if Instant::now() > end {
            return refused(format!(
                "process {pid} is the daemon of {}, and cannot be reached there: its files were removed. \
                 Nothing is started beside it; end it (kill {pid}), and its servers with it.",
                place.display()
            ));
        }
        thread::sleep(PAUSE);
    }
}

fn beside(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push("-log");
    name.into()
}

/// A directory others may look into: made before the daemon makes it, for everybody to write.
fn make(path: &Path) -> Result<(), Failure> {
    match DirBuilder::new().recursive(false).mode(0o755).create(path) {
        Err(why)
            if why.kind() == ErrorKind::AlreadyExists
                && fs::metadata(path).is_ok_and(|it| it.is_dir()) =>
        {
            Ok(())
        }
        made => made.map_err(|why| {
            Failure::ours(format!("the directory {} cannot be made: {why}", path.display()))
        }),
    }
}
