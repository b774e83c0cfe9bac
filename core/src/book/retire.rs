//! The end of a ledger that nobody is in. It is taken off its name at the door: who opened it just before
//! and comes to the door after finds that the name leads elsewhere, and enters the next one. Nothing is
//! mapped: a mapping lasts as long as the process, and would keep the bytes of what was removed.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::door::{BYTE, leads_to};
use super::layout::{Layout, member};
use super::living::{BYTES, Shown};
use super::open::{directory, examine, unopened};
use super::read::{Copied, read};
use super::report::Report;
use super::trouble::{Trouble, What};
use crate::shm::file;

/// A ledger that nobody is in, and nobody can join while this is there.
pub struct Closing {
    /// Has the lock of the door.
    _file: File,
    path: PathBuf,
}

impl Closing {
    /// Nothing if somebody is in it, or at its door, or if it is gone.
    pub fn begin(path: &Path, pid_namespace: u64) -> Result<Option<Closing>, Trouble> {
        let trouble = |what| Trouble::new(path, what);
        let shared = directory(path.parent().unwrap_or(Path::new("/")), false)?;
        let file = match file::open(path, true) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|why| unopened(path, why))?,
        };
        let (stat, layout) = examine(&file, path, shared)?;
        let locks = |why| trouble(What::Locks(why));
        if !file::lock(file.as_fd(), BYTE).map_err(locks)? || !leads_to(path, &stat) {
            return Ok(None);
        }
        let held = file::is_locked_from(file.as_fd(), BYTES).map_err(locks)?;
        let runs = || any_runs(&file, layout, pid_namespace);
        if held || runs().map_err(|why| trouble(What::File(why)))? {
            return Ok(None);
        }
        Ok(Some(Closing { _file: file, path: path.to_owned() }))
    }

    /// Whether what was read of it earlier is all there will ever be: nobody has come since, and nobody was
    /// in it or on the way to a place, who may have gone on after that.
    pub fn is_last(&self, earlier: &Report) -> Result<bool, Trouble> {
        let now = read(&self.path, 0)?;
        let same = (now.epoch, now.joined) == (earlier.epoch, earlier.joined);
        Ok(same && earlier.is_deserted())
    }

    /// Takes the file off its name.
    pub fn remove(self) -> Result<(), Trouble> {
        std::fs::remove_file(&self.path).map_err(|why| Trouble::new(&self.path, What::File(why)))
    }
}

/// Whether a process that ever took a place still runs, seen from here: it may have lost its lock without
/// knowing, and would join again with what it holds.
fn any_runs(file: &File, layout: Layout, pid_namespace: u64) -> io::Result<bool> {
    let places = layout.members as usize;
    let words = Copied::read(file, layout.members_at(), places * member::WORDS)?;
    Ok((0..places).any(|index| {
        let [pid, start, namespace] = [member::PID, member::START, member::PID_NAMESPACE]
            .map(|word| words.get(index * member::WORDS + word));
        namespace == pid_namespace
            && ![pid, start, namespace].contains(&0)
            && Shown::runs(pid, start)
    }))
}
