//! `cuota mps start`.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use clap::Args;
use cuota_core::mps::{Daemon, PATIENCE, look};
use cuota_core::share::Percentage;

use super::ask::{self, SERVER};
use super::{NOT_SO, PAUSE, SOON, STOPPED, Where, known_holder};
use crate::command::Failure;
use crate::{program, screen};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    at: Where,
    #[command(flatten)]
    how: How,
}

/// How a daemon is to be.
#[derive(Args, Default)]
pub struct How {
    /// Where it keeps its logs [default: beside its directory, with `-log` behind the name]
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
    /// The most of the SMs that any client's process may use: 1 to 100
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    percentage: Option<Percentage>,
}

fn percentage(text: &str) -> Result<Percentage, String> {
    Percentage::parse(text).ok_or_else(|| "a percentage above 0, up to 100".to_owned())
}

pub fn start(options: &Options) -> Result<u8, Failure> {
    let place = options.at.place()?;
    let who =
        |place: &Path| known_holder(place).map_or(String::new(), |pid| format!(" (process {pid})"));
    match bring_up(&place, &options.how)? {
        None => screen::print(&format!("runs already{} in {}\n", who(&place), place.display())),
        Some(log) => screen::print(&format!(
            "started{}; its clients need CUDA_MPS_PIPE_DIRECTORY={}; its log is in {}\n",
            who(&place),
            place.display(),
            log.display()
        )),
    }
    if let Some(wanted) = limit(&place, &options.how)? {
        screen::print(&format!("no client's process may use more than {wanted} % of the SMs\n"));
    }
    Ok(0)
}

/// Starts a daemon, and says where it logs; nothing if one runs already.
pub fn bring_up(place: &Path, how: &How) -> Result<Option<PathBuf>, Failure> {
    match look(place, PATIENCE) {
        Daemon::Answers => return Ok(None),
        found @ (Daemon::Silent | Daemon::Foreign | Daemon::Forbidden | Daemon::TooLong) => {
            return Err(Failure { status: NOT_SO, text: found.in_words(place) });
        }
        _ => {}
    }
    let control = ask::control()?;
    program::find(SERVER.as_ref()).map_err(|failure| Failure {
        text: format!(
            "{}\nThe daemon starts it from its PATH when the first client comes: add its folder to PATH.",
            failure.text
        ),
        ..failure
    })?;
    let log = match &how.log {
        Some(given) => crate::places::absolute("--log", given)?,
        None => beside(place),
    };
    make(place)?;
    make(&log)?;
    let _ = fs::remove_file(place.join(STOPPED));
    let started = ask::command(&control, place)
        .arg("-d")
        .env("CUDA_MPS_LOG_DIRECTORY", &log)
        .stdin(Stdio::null())
        .output()
        .map_err(|why| Failure::ours(format!("{}: {why}", control.display())))?;
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
    Ok(Some(log))
}

/// Sets the default, if one was asked for, and reads it back: a bad value is answered with the old one.
pub fn limit(place: &Path, how: &How) -> Result<Option<Percentage>, Failure> {
    let Some(wanted) = how.percentage else { return Ok(None) };
    let set = format!("set_default_active_thread_percentage {wanted}");
    let refused = |why: String| Failure { status: NOT_SO, text: why };
    ask::ask(place, &set, SOON).map_err(refused)?;
    let is = ask::ask(place, "get_default_active_thread_percentage", SOON).map_err(refused)?;
    if Percentage::parse(&is) != Some(wanted) {
        let why = format!("the daemon was told {wanted} % for its clients, and says {is}");
        return Err(refused(why));
    }
    Ok(Some(wanted))
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
