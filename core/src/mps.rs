//! Whether there is an MPS control daemon to talk to. A program that cannot connect runs beside MPS
//! without a word, or hangs where the daemon does; so it is asked first, and not for long.
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shm::greeting::greeting;

/// What says where the daemon is.
pub const PIPES: &str = "CUDA_MPS_PIPE_DIRECTORY";
/// Where drivers look without it: the newest in the first, all in the second.
const DEFAULTS: [&str; 2] = ["/run/nvidia-mps", "/tmp/nvidia-mps"];
/// A directory whose path is longer is passed over without a word.
const LONGEST: usize = 87;
/// The socket programs connect to, and what they hear there first.
const SOCKET: &str = "control";
const HELLO: &[u8] = b"OUTBHELL";

/// How long a daemon may take to greet: it does so at once, unless it is stopped.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Where a program of this environment looks for a daemon.
pub fn directory(set: Option<OsString>) -> PathBuf {
    let given = set.filter(|value| !value.is_empty()).map(PathBuf::from);
    let there = |path: &&&str| Path::new(path).join(SOCKET).exists();
    given.unwrap_or_else(|| {
        let [_, oldest] = DEFAULTS;
        DEFAULTS.iter().find(there).unwrap_or(&oldest).into()
    })
}

/// Whether a daemon was started there once: without one nobody waits for it.
pub fn may_be_there(directory: &Path) -> bool {
    directory.join(SOCKET).exists()
}

/// What was found in a pipe directory.
#[derive(Debug)]
pub enum Daemon {
    Answers,
    TooLong,
    NoDirectory,
    NoSocket,
    /// A socket that nobody listens at any more.
    Stale,
    Forbidden,
    /// It is there, and says nothing.
    Silent,
    /// Something answers that is no MPS daemon.
    Foreign,
    Unknown(io::Error),
}

pub fn look(directory: &Path, patience: Duration) -> Daemon {
    if directory.as_os_str().as_bytes().len() > LONGEST {
        return Daemon::TooLong;
    }
    match greeting(&directory.join(SOCKET), patience) {
        Ok(None) => Daemon::Silent,
        Ok(Some(said)) if said.starts_with(HELLO) => Daemon::Answers,
        Ok(Some(_)) => Daemon::Foreign,
        Err(why) => of(why, directory),
    }
}

fn of(why: io::Error, directory: &Path) -> Daemon {
    // A socket of another kind is not a daemon's.
    const OF_ANOTHER_KIND: i32 = 91;
    match why.kind() {
        ErrorKind::NotFound if directory.is_dir() => Daemon::NoSocket,
        ErrorKind::NotFound => Daemon::NoDirectory,
        ErrorKind::ConnectionRefused => Daemon::Stale,
        ErrorKind::PermissionDenied => Daemon::Forbidden,
        _ if why.raw_os_error() == Some(OF_ANOTHER_KIND) => Daemon::Foreign,
        _ => Daemon::Unknown(why),
    }
}

impl Daemon {
    /// What was found of the daemon of that directory.
    pub fn found(&self, directory: &Path) -> String {
        let place = directory.display();
        match self {
            Daemon::Answers => format!("the MPS daemon of {place} answers"),
            Daemon::TooLong => {
                format!("the path {place} has more than {LONGEST} characters, and is passed over")
            }
            Daemon::NoDirectory => format!("there is no directory {place}"),
            Daemon::NoSocket => {
                format!("no daemon was started in {place}, which has no socket `{SOCKET}`")
            }
            Daemon::Stale => format!(
                "nobody listens in {place}: its daemon has ended, and left the socket behind"
            ),
            Daemon::Forbidden => format!("{place} may not be used by this user"),
            Daemon::Silent => format!(
                "the daemon of {place} is there and does not answer: it is stopped, or hangs, and a program would hang with it"
            ),
            Daemon::Foreign => format!("what answers in {place} is no MPS daemon"),
            Daemon::Unknown(why) => format!("the daemon of {place} cannot be asked: {why}"),
        }
    }

    /// What to do about it; nothing where all is well.
    pub fn advice(&self) -> &'static str {
        match self {
            Daemon::Answers | Daemon::Unknown(_) => "",
            Daemon::TooLong => {
                "give the daemon and its clients a shorter one in CUDA_MPS_PIPE_DIRECTORY"
            }
            Daemon::NoDirectory => {
                "see whether CUDA_MPS_PIPE_DIRECTORY is mistyped, or the directory not mounted here; else start one there (cuota mps start, or nvidia-cuda-mps-control -d with the same variable)"
            }
            Daemon::NoSocket | Daemon::Stale => {
                "start one there (cuota mps start, or nvidia-cuda-mps-control -d with the same CUDA_MPS_PIPE_DIRECTORY)"
            }
            Daemon::Forbidden => {
                "let the user into the directory and at its socket, or run the program as the daemon's user"
            }
            Daemon::Silent => "see the daemon's log, and start it again if it stays so",
            Daemon::Foreign => "give the daemon a directory of its own in CUDA_MPS_PIPE_DIRECTORY",
        }
    }

    /// Both, for a line.
    pub fn in_words(&self, directory: &Path) -> String {
        match self.advice() {
            "" => self.found(directory),
            advice => format!("{}; {advice}", self.found(directory)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_is_told_so() {
        let denied = of(io::Error::from(ErrorKind::PermissionDenied), Path::new("/"));
        assert!(matches!(denied, Daemon::Forbidden));
    }
}
