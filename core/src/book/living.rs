//! Who lives: every member holds a lock on a byte of its own, and the kernel lets go of it when the
//! process dies, whatever killed it. Pids are kept for people, and as a second opinion where they
//! mean the same to both.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::io;

use super::Book;
use super::layout::member;
use crate::ledger::Living;
use crate::shm::file;

/// Where the bytes begin: beyond the end of any file.
const BYTES: u64 = 1 << 40;

/// The last byte there can be if there is none for such a number: nobody ever locks that one.
pub fn byte_of(id: u64) -> u64 {
    BYTES.saturating_add(id).min(i64::MAX.cast_unsigned())
}

/// No ledger has given out this many incarnations.
pub const MOST_IDS: u64 = 1 << 48;

/// When the process of that pid started, in clock ticks since boot, as this process sees it; nothing
/// if there is none.
pub fn start_time(pid: u64) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Past the name, which may hold anything, the start is the twentieth field.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let start = fields.split_ascii_whitespace().nth(19).and_then(|text| text.parse().ok());
    start.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// What this process can tell of the others.
pub struct Witness<'a> {
    pub book: &'a Book,
    /// Our own incarnation, which no lock test can see; 0 if we are no member.
    pub own: u64,
    /// Inode of our PID namespace, and where a descriptor kept alive by a stray child could hide a
    /// death, whether to look at pids as well. 0 if they are not to be trusted.
    pub pid_namespace: u64,
    /// Whether something could not be told, so that somebody was taken to live.
    pub unsure: Cell<bool>,
}

impl Book {
    pub fn witness(&self, own: u64, pid_namespace: u64) -> Witness<'_> {
        Witness { book: self, own, pid_namespace, unsure: Cell::new(false) }
    }

    /// The member that says it is this incarnation.
    pub(super) fn index_of(&self, id: u64) -> Option<usize> {
        self.members().find(|index| self.member_value(*index, member::OWNER) == id)
    }

    pub(super) fn member_value(&self, index: usize, word: usize) -> u64 {
        self.head.value(self.member_word(index, word))
    }
}

impl Witness<'_> {
    /// A lock that is held though its process is gone: a child that skipped the fork handlers has
    /// the descriptor still. Only a pid that names nobody, or somebody younger, says so.
    fn is_gone_by_pid(&self, id: u64) -> bool {
        let Some(index) = self.book.index_of(id) else { return false };
        let value = |word| self.book.member_value(index, word);
        let (pid, start) = (value(member::PID), value(member::START));
        let same_view = value(member::PID_NAMESPACE) == self.pid_namespace;
        if self.pid_namespace == 0 || !same_view || pid == 0 || start == 0 {
            return false;
        }
        match start_time(pid) {
            Ok(other) => other != start,
            Err(why) => {
                why.kind() == io::ErrorKind::NotFound
                    && start_time(std::process::id().into()).is_ok()
            }
        }
    }
}

impl Living for Witness<'_> {
    fn is_alive(&self, id: u64) -> bool {
        if id == self.own {
            return true;
        }
        match self.book.file.with(|fd| file::is_locked(fd, byte_of(id))) {
            Ok(false) => false,
            Ok(true) => !self.is_gone_by_pid(id),
            Err(_) => {
                self.unsure.set(true);
                true
            }
        }
    }
}
