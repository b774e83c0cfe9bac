//! What can be wrong with a ledger, in words for whoever has to do something about it.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct Trouble {
    pub path: PathBuf,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// The directory cannot be used.
    Directory(io::Error),
    /// The directory is somebody else's, or everybody's to write.
    DirectoryOwner { owner: u32, mode: u32 },
    /// The file cannot be made or opened.
    File(io::Error),
    /// The file cannot be taken off its name.
    Removal(io::Error),
    /// There is no room for it.
    Full(io::Error),
    /// The name is taken by somebody else's file, or by something that is no plain file.
    Foreign(&'static str),
    /// It is no ledger, or none we can read.
    Unreadable(&'static str),
    /// All places for members are taken by the living.
    Crowded(u64),
    /// All places for devices are taken.
    TooManyDevices,
    /// Another process holds the ledger's door and does not move.
    Stuck,
    /// Locks do not work here.
    Locks(io::Error),
    /// The name leads to another file now: open again.
    Moved,
}

impl Trouble {
    pub fn new(path: &Path, what: What) -> Trouble {
        Trouble { path: path.to_owned(), what }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let path = self.path.display();
        match &self.what {
            What::Directory(why) => write!(
                out,
                "the ledger directory {path} cannot be used ({why}): make it, or name another with CUOTA_DIR"
            ),
            What::DirectoryOwner { owner, mode } => write!(
                out,
                "the ledger directory {path} belongs to uid {owner} with mode {mode:o}, so others could replace what is in it: use one of your own (0700), or a shared one with the sticky bit"
            ),
            What::File(why) => write!(
                out,
                "the ledger {path} cannot be opened ({why}): check its directory's permissions, or name another with CUOTA_DIR"
            ),
            What::Removal(why) => write!(
                out,
                "the ledger {path} cannot be removed ({why}): have its owner run cuota gc, or its directory's, who must be allowed to write there"
            ),
            What::Full(why) if why.raw_os_error() == Some(libc::EFBIG) => write!(
                out,
                "the ledger {path} would be longer than this process may make a file ({why}): raise its limit (ulimit -f, LimitFSIZE=)"
            ),
            What::Full(why) => write!(
                out,
                "there is no room for the ledger {path} ({why}): make room there, or name another directory with CUOTA_DIR"
            ),
            What::Foreign(why) => write!(
                out,
                "{path} {why}: it is not joined; remove it, or use another CUOTA_CLIENT or CUOTA_DIR"
            ),
            What::Unreadable(why) => write!(
                out,
                "{path} is not a ledger this cuota can use ({why}): if no process of the client runs, remove it"
            ),
            What::Crowded(members) => write!(
                out,
                "all {members} places of the ledger {path} are taken by running processes: give the client fewer, or raise CUOTA_MEMBERS when the next ledger is made"
            ),
            What::TooManyDevices => {
                write!(out, "the ledger {path} has no place for another device (at most 32)")
            }
            What::Stuck => write!(
                out,
                "a process holds the ledger {path} at its door and does not move (stopped?): continue or end the client's stopped processes"
            ),
            What::Locks(why) => write!(
                out,
                "locks do not work on the ledger {path} ({why}), so a dead process could not be told from a living one: name a directory on a local file system with CUOTA_DIR"
            ),
            What::Moved => write!(out, "the ledger {path} was replaced while it was opened"),
        }
    }
}

impl std::error::Error for Trouble {}
