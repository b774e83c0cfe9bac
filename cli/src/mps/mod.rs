//! `cuota mps`: the MPS control daemon, started as it should be, looked at without disturbing it, and
//! stopped until it is gone.
#![forbid(unsafe_code)]

mod ask;
mod backoff;
pub mod daemons;
mod defaults;
pub mod devices;
mod drain;
mod facts;
mod launch;
mod mode;
pub mod others;
pub mod own;
mod programs;
pub mod servers;
mod speak;
mod start;
mod state;
mod status;
mod stop;
mod supervise;
mod tell;
mod terminate;
mod watch;

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use cuota_core::mps::{Daemon, PATIENCE, PIPES, directory, look};

pub use ask::SERVER;

use crate::command::Failure;
use crate::native::system;
use crate::processes::Processes;

pub const ABOUT: &str = "\
Start, watch and stop the MPS control daemon (nvidia-cuda-mps-control), and drain clients.

The directory is that of --pipes, else of CUDA_MPS_PIPE_DIRECTORY, else the driver's
own. Programs find the daemon by the same variable.

No second daemon is started for a directory, even where its lock or socket was removed,
nor for a device: another directory's daemon that /proc shows is in the way unless both
name their devices by UUID in CUDA_VISIBLE_DEVICES, and no device is both's, or --beside
says that this is so.

`supervise` starts a daemon that has died again, as it was, and first ends the servers
it has left behind. One that is busy, hangs or has lost its lock is left alone. Its lines:
  started, found     a daemon is watched from now on; told: it knows its defaults now
  died, orphan       it died; a server without a daemon was ended
  silent, busy       it says nothing, or talks to somebody else; answers: no longer
  unlocked           its lock was removed: somebody else could start a second one
  server             a server came, went, or is in another state
  initializing       a server does not get ready, and its clients hang
  failed             what could not be done, and when it is tried again
  stopped, ended     the daemon was stopped by command; this supervisor was told to end

Exit status, for scripts and probes:
  0    it runs and answers (start, status), or is stopped (stop); supervise: it was
       stopped by command, or this supervisor was told to end; drain: all have stopped
  1    it does not run, does not answer, or is not as asked; another is in the way;
       drain: there is no such client, or not all of it have stopped
  125  cuota itself failed, or a bad option
  126, 127  nvidia-cuda-mps-control (or nvidia-smi, with --exclusive) could not be run,
       or is not there

A daemon that is talking to somebody else answers (0), and `status` says that it is busy.";

/// It is not as was asked.
const NOT_SO: u8 = 1;

#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Start it, unless it runs: with a directory only its user writes to, without cuota in its environment
    Start(start::Options),
    /// Say whether it runs and answers, and which servers it has
    Status(status::Options),
    /// Stop it, and its servers with it
    Stop(stop::Options),
    /// Tell a client's processes to take no new work and finish what they have, and wait until they have
    Drain(drain::Options),
    /// Start it and go on watching it: one that has died is started again, as it was
    Supervise(supervise::Options),
}

/// Which daemon.
#[derive(Args)]
struct Where {
    /// The daemon's directory
    #[arg(long, value_name = "DIR", global = true)]
    pipes: Option<PathBuf>,
}

impl Where {
    fn place(&self) -> Result<PathBuf, Failure> {
        match &self.pipes {
            Some(given) => crate::places::absolute("--pipes", given),
            None => Ok(directory(env::var_os(PIPES))),
        }
    }
}

pub fn mps(options: Options) -> Result<u8, Failure> {
    match options.what {
        What::Start(options) => start::start(&options),
        What::Status(options) => status::status(&options),
        What::Stop(options) => stop::stop(&options),
        What::Drain(options) => drain::drain(&options),
        What::Supervise(options) => supervise::supervise(&options),
    }
}

/// How long a look at the daemon may take that is about to start or to end.
const SOON: Duration = Duration::from_secs(10);
/// How long others may talk to the daemon before a person is told that it is busy.
const TURN: Duration = Duration::from_secs(3);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// In the daemon's directory while it is stopped on purpose: then its supervisor ends, too.
const STOPPED: &str = "cuota.stopped";

/// Who holds the daemon's lock: that is the daemon, whatever its pid file says. Nobody where there is no
/// lock; 0 for a process of another PID namespace.
pub fn holder(place: &Path) -> io::Result<Option<i32>> {
    match system::lock_holder(&place.join("control_lock")) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found,
    }
}

/// The same where it may not be told.
fn known_holder(place: &Path) -> Option<i32> {
    holder(place).ok().flatten()
}

/// The daemon, and whether it holds its lock. One whose lock was removed is known because it was known before,
/// or by its greeting; 0 for a process of another PID namespace, as above.
fn present(place: &Path, known: Option<i32>) -> Option<(i32, bool)> {
    if let Some(pid) = known_holder(place) {
        return Some((pid, true));
    }
    let seen = daemons::serving(&Processes::here(), place);
    let is = seen.is_some() && seen == known || matches!(look(place, PATIENCE), Daemon::Answers);
    is.then(|| (seen.unwrap_or_default(), false))
}
