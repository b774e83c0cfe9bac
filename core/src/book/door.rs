//! The door: one process at a time joins, claims a device, changes a limit or removes the file. Never
//! on the way of an allocation. The kernel opens it again when whoever stands in it dies.
#![forbid(unsafe_code)]

use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Book;
use super::layout::header;
use super::living::BYTES;
use super::trouble::{Trouble, What};
use crate::shm::clock::boot_time;
use crate::shm::file::{self, Stat};

/// The byte that is locked: far beyond the file's end, below those of the members.
pub(super) const BYTE: u64 = 1 << 39;
/// How long is waited while nobody comes through, and how long between two tries: many may come at once,
/// and the more of them look the slower they get in.
const PATIENCE: Duration = Duration::from_secs(2);
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(16);

pub struct Door<'a> {
    pub(super) book: &'a Book,
}

impl Book {
    /// Waits until nobody else is at the door; gives up when nobody has come through for two seconds.
    pub fn door(&self) -> Result<Door<'_>, Trouble> {
        let passed = || self.head.value(header::PASSED);
        let (mut seen, mut since, mut pause) = (passed(), boot_time(), SHORTEST);
        loop {
            if let Some(door) = self.try_door()? {
                return if door.leads_here() { Ok(door) } else { Err(self.trouble(What::Moved)) };
            }
            if seen != passed() {
                (seen, since) = (passed(), boot_time());
            } else if Duration::from_nanos(boot_time().saturating_sub(since)) > PATIENCE {
                return Err(self.trouble(What::Stuck));
            }
            std::thread::sleep(pause);
            pause = LONGEST.min(pause * 2);
        }
    }

    fn try_door(&self) -> Result<Option<Door<'_>>, Trouble> {
        if self.at_door.swap(true, Ordering::Acquire) {
            return Ok(None);
        }
        let taken = self.file.with(|fd| file::lock(fd, BYTE));
        if !matches!(taken, Ok(true)) {
            self.at_door.store(false, Ordering::Release);
        }
        let taken = taken.map_err(|why| self.trouble(What::Locks(why)))?;
        if let Some(passed) = self.head.get(header::PASSED).filter(|_| taken) {
            passed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(taken.then_some(Door { book: self }))
    }

    pub(super) fn trouble(&self, what: What) -> Trouble {
        Trouble::new(self.path(), what)
    }

    /// Whether anybody else has a member's lock.
    pub(super) fn is_in_use(&self) -> Result<bool, Trouble> {
        let held = self.file.with(|fd| file::is_locked_from(fd, BYTES));
        held.map_err(|why| self.trouble(What::Locks(why)))
    }

    /// Takes a file of an earlier start of the machine off its name, unless somebody did already, or has
    /// come in meanwhile.
    pub(super) fn discard(&self) -> Result<(), Trouble> {
        match self.door() {
            Ok(_door) if self.is_in_use()? => Ok(()),
            Ok(_door) => {
                std::fs::remove_file(self.path()).map_err(|why| self.trouble(What::Removal(why)))
            }
            Err(Trouble { what: What::Moved, .. }) => Ok(()),
            Err(why) => Err(why),
        }
    }
}

impl Door<'_> {
    /// Whether the name still leads to this file.
    fn leads_here(&self) -> bool {
        leads_to(self.book.path(), &self.book.file.stat())
    }
}

/// Whether a name leads to that file.
pub(super) fn leads_to(path: &Path, stat: &Stat) -> bool {
    file::open(path, false)
        .and_then(|there| file::stat(there.as_fd()))
        .is_ok_and(|there| there.is_same_file(stat))
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        let _ = self.book.file.with(|fd| {
            file::unlock(fd, BYTE);
            Ok(())
        });
        self.book.at_door.store(false, Ordering::Release);
    }
}
