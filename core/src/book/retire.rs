//! The end of a ledger that nobody is in. It is taken off its name at the door: who opened it just before
//! and comes to the door after finds that the name leads elsewhere, and enters the next one. Nothing is
//! mapped: a mapping lasts as long as the process, and would keep the bytes of what was removed.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::door::{BYTE, leads_to};
use super::layout::{Layout, member};
use super::living::{BYTES, Shown};
use super::open::{STICKY, directory, examine, unopened};
use super::read::{Copied, read};
use super::report::Report;
use super::trouble::{Trouble, What};
use crate::shm::file::{self, Stat};

/// A ledger that nobody is in, and nobody can join while this is there.
pub struct Closing {
    /// Has the lock of the door.
    _file: File,
    path: PathBuf,
}

impl Closing {
    /// Whether there is a ledger to close, and we may: whoever is in it stays, and nobody waits.
    pub fn is_possible(path: &Path) -> Result<bool, Trouble> {
        Ok(removable(path)?.is_some())
    }

    /// Nothing if somebody is in it, or at its door, or if it is gone.
    pub fn begin(path: &Path, pid_namespace: u64) -> Result<Option<Closing>, Trouble> {
        let trouble = |what| Trouble::new(path, what);
        let Some((file, stat, layout)) = removable(path)? else { return Ok(None) };
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

    /// Takes the file off its name, if nobody did, and keeps the door: if it cannot, what was written
    /// about its end can be taken back before somebody else writes that.
    pub fn remove(&self) -> Result<(), Trouble> {
        match fs::remove_file(&self.path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::new(&self.path, What::Removal(why)))
            }
            _ => Ok(()),
        }
    }
}

/// The ledger of that name, ours to use and to take off it; nothing if there is none.
fn removable(path: &Path) -> Result<Option<(File, Stat, Layout)>, Trouble> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let shared = directory(folder, false)?;
    let file = match file::open(path, true) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|why| unopened(path, why))?,
    };
    let (stat, layout) = examine(&file, path, shared)?;
    let found = fs::metadata(folder).map_err(|why| Trouble::new(folder, What::Directory(why)))?;
    if !may_remove(folder, &found, &stat) {
        return Err(Trouble::new(path, What::Removal(io::ErrorKind::PermissionDenied.into())));
    }
    Ok(Some((file, stat, layout)))
}

/// As the kernel will see it, as far as can be told beforehand.
fn may_remove(folder: &Path, found: &fs::Metadata, stat: &Stat) -> bool {
    let sticky = found.permissions().mode() & STICKY != 0;
    let us = file::effective_user();
    let owned = us == 0 || [found.uid(), stat.owner].contains(&us);
    file::is_writable(folder) && (owned || !sticky)
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
