//! `cuota run`: a command with the library before its driver. It is executed in our place, so its
//! status, its signals and its process number are its own; unless its bill is asked for, which somebody
//! has to be there to print.
#![forbid(unsafe_code)]

mod billed;
mod retry;
mod settings;

use std::env;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use clap::Args;

use crate::command::{Failure, NOT_EXECUTABLE, OUR_FAILURE};
use crate::native::system;
use crate::{image, library, places, program, reach, screen, times};
use retry::Retry;

pub const ABOUT: &str = "\
Run a command with cuota between it and the CUDA driver.

libcuota.so is appended to LD_PRELOAD (what is there stays in front) and the
command is executed in this one's place: its exit status, its signals and its
process number are its own. The library is the one CUOTA_LIB names, else the one
beside this command, else the one in ../lib.

A quota holds for all processes of a client together. The options are for this
command; without them the variables they stand for hold, if they are set. With
neither --client nor CUOTA_CLIENT each run is a client of its own.

With --bill the command is a child of this one instead. SIGTERM, SIGINT, SIGHUP
and SIGQUIT are passed on to it, and this one ends as it did; then what the client
used meanwhile, other commands of its name included, is on standard error.

With --retry it is a child, too, with CUOTA_ON_FAULT=exit unless that is set: one
that ends with status 75, as it does when a fault has taken the device, is started
again as soon as the MPS server takes new clients; not if it would run beside MPS.

Exit status, when the command was not started:
  125  cuota itself failed: a bad option, no library, or a quota was asked for
       and its ledger cannot be used
  126  the command was found but is not executable
  127  the command was not found";

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    settings: settings::Settings,
    /// How much the library says on standard error [default: warn]
    #[arg(long, value_name = "LEVEL", value_parser = ["off", "error", "warn", "info", "debug"])]
    log: Option<String>,
    /// Count every driver call, by entry point, in this file
    #[arg(long, value_name = "FILE")]
    tally: Option<PathBuf>,
    /// Print on standard error, at the end, what the client used since the start
    #[arg(long)]
    bill: bool,
    /// Start it again, so often at most, when it has left after a fault and the MPS server takes new clients
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    retry: u32,
    /// How long --retry waits for the server
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = times::duration)]
    retry_wait: Duration,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

pub fn run(options: Options) -> Result<u8, Failure> {
    let library = library::find()?;
    let variables = options.settings.variables()?;
    let mut command = prepared(&options.command, &library, &mut screen::warn)?;
    let ledger = settings::ledger(&variables);
    command.envs(variables);
    if let Some(level) = options.log {
        command.env("CUOTA_LOG", level);
    }
    if let Some(file) = options.tally {
        command.env("CUOTA_TALLY", tally_path(&file)?);
    }
    let name = options.command.first().map(|name| name.display().to_string()).unwrap_or_default();
    let failed = |why| Failure { status: NOT_EXECUTABLE, text: format!("{name}: {why}") };
    if options.bill || options.retry > 0 {
        let retry = Retry { times: options.retry, wait: options.retry_wait };
        let run = || retry.run(command, failed);
        let ended = if options.bill { billed::billed(ledger.as_deref(), run) } else { run() };
        return ended.map(as_it_ended);
    }
    // Comes back only if it fails.
    Err(failed(command.exec()))
}

/// Ends as the command did.
fn as_it_ended(ended: ExitStatus) -> u8 {
    if let Some(signal) = ended.signal() {
        system::end_by(signal);
    }
    // Not reached after a signal, but for one that cannot end this process.
    let status = ended.code().or(ended.signal().map(|signal| 128 + signal));
    status.and_then(|status| u8::try_from(status).ok()).unwrap_or(OUR_FAILURE)
}

/// The command as it will be started, with the library in its preload list if that does not keep it
/// from starting. `warn` hears why the library has no effect in it, if it has none.
pub fn prepared(
    words: &[OsString],
    library: &Path,
    warn: &mut dyn FnMut(&str),
) -> Result<Command, Failure> {
    let Some((name, arguments)) = words.split_first() else {
        return Err(Failure::ours("no command given"));
    };
    let file = program::find(name)?;
    let image = image::read(library)
        .map_err(|why| Failure::ours(format!("{}: {why}", library.display())))?;
    let list = env::var_os("LD_PRELOAD");
    if let Some(other) = list.as_deref().and_then(|list| library::another_in(list, library)) {
        warn(&format!(
            "LD_PRELOAD has {} already, and {} comes after it: every call would pass through both. Remove one.",
            other.display(),
            library.display()
        ));
    }
    let obstacle = reach::obstacle(&file, &image);
    if let Some((file, obstacle)) = &obstacle {
        warn(&format!("cuota has no effect here: {} {}", file.display(), obstacle.explain()));
    }
    let mut command = Command::new(&file);
    command.arg0(name).args(arguments);
    if !obstacle.is_some_and(|(_, obstacle)| obstacle.is_fatal()) {
        command.env("LD_PRELOAD", library::appended(list.as_deref(), library)?);
    }
    Ok(command)
}

/// The tally as every process of the command will find it, wherever it goes.
fn tally_path(file: &Path) -> Result<PathBuf, Failure> {
    let path = places::absolute("--tally", file)?;
    match path.parent().filter(|directory| directory.is_dir()) {
        Some(_) => Ok(path),
        None => Err(Failure::ours(format!("--tally {}: no such directory", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_named_absolutely_and_has_a_directory() {
        assert!(tally_path(Path::new("x.tally")).unwrap().is_absolute());
        assert!(tally_path(Path::new("/no/such/x.tally")).unwrap_err().text.contains("/no/such"));
    }
}
