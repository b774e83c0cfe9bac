//! `cuota mps`: the MPS control daemon, started as it should be, looked at without disturbing it, and
//! stopped until it is gone.
#![forbid(unsafe_code)]

mod ask;
mod drain;
pub mod own;
pub mod servers;
mod start;
mod status;
mod stop;
mod supervise;

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use cuota_core::mps::{PIPES, directory};

pub use ask::{CONTROL, SERVER};

use crate::command::Failure;
use crate::native::system;

pub const ABOUT: &str = "\
Start, look at and stop the MPS control daemon (nvidia-cuda-mps-control).

The directory is that of --pipes, else of CUDA_MPS_PIPE_DIRECTORY, else the driver's
own. Programs find the daemon by the same variable.

Exit status:
  0    it runs (start, status), or is stopped (stop)
  1    it does not run, does not answer, or is not as asked
  125  cuota itself failed, or a bad option
  126, 127  nvidia-cuda-mps-control could not be run, or is not there";

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
