//! The door: one process at a time joins, claims a device, changes a limit or removes the file. Never
//! on the way of an allocation. The kernel opens it again when whoever stands in it dies.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::Book;
use super::trouble::{Trouble, What};
use crate::shm::file;

/// The byte that is locked: far beyond the file's end, below those of the members.
pub(super) const BYTE: u64 = 1 << 39;
/// How often the door is tried, and how long is waited in between: two seconds in all.
const TRIES: u32 = 2000;
const PAUSE: Duration = Duration::from_millis(1);

pub struct Door<'a> {
    pub(super) book: &'a Book,
}

impl Book {
    /// Waits until nobody else is at the door, at most two seconds.
    pub fn door(&self) -> Result<Door<'_>, Trouble> {
        for _ in 0..TRIES {
            let taken = self.file.with(|fd| file::lock(fd, BYTE));
            if taken.map_err(|why| self.trouble(What::Locks(why)))? {
                let door = Door { book: self };
                return if door.leads_here() { Ok(door) } else { Err(self.trouble(What::Moved)) };
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.trouble(What::Stuck))
    }

    pub(super) fn trouble(&self, what: What) -> Trouble {
        Trouble::new(self.path(), what)
    }

    /// Takes a file of an earlier start of the machine off its name, unless somebody did already.
    pub(super) fn discard(&self) -> Result<(), Trouble> {
        match self.door() {
            Ok(_door) => {
                std::fs::remove_file(self.path()).map_err(|why| self.trouble(What::File(why)))
            }
            Err(Trouble { what: What::Moved, .. }) => Ok(()),
            Err(why) => Err(why),
        }
    }
}

impl Door<'_> {
    /// Whether the name still leads to this file.
    fn leads_here(&self) -> bool {
        use std::os::fd::AsFd;
        file::open(self.book.path(), false)
            .and_then(|there| file::stat(there.as_fd()))
            .is_ok_and(|there| there.is_same_file(&self.book.file.stat()))
    }
}

impl Drop for Door<'_> {
    fn drop(&mut self) {
        let _ = self.book.file.with(|fd| {
            file::unlock(fd, BYTE);
            Ok(())
        });
    }
}
