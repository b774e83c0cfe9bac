//! Who lives: every member holds a lock on a byte of its own, and the kernel lets go of it when the
//! process dies, whatever killed it. Pids are kept for people, and as a second opinion where they
//! mean the same to both.
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::io;

use super::Book;
use super::layout::member;
use crate::ledger::Living;
use crate::shm::{NotCancelled, clock, file, pid};

/// Where the bytes begin: beyond the end of any file.
pub(super) const BYTES: u64 = 1 << 40;

/// The last byte there can be if there is none for such a number: nobody ever locks that one.
pub fn byte_of(id: u64) -> u64 {
    BYTES.saturating_add(id).min(i64::MAX.cast_unsigned())
}

/// No ledger has given out this many incarnations.
pub const MOST_IDS: u64 = 1 << 48;

/// Nanoseconds of a clock tick, as `/proc` counts them.
const TICK: i64 = 10_000_000;

/// A process as its PID namespace's `/proc` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shown {
    /// In clock ticks since boot, outside all time namespaces.
    start: u64,
    /// Over, but not waited for yet. A first thread that has ended while others run looks the same,
    /// but is not alone.
    ended: bool,
}

impl Shown {
    fn parse(stat: &str) -> Option<Shown> {
        // Past the name, which may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let state = fields.next()?;
        let threads: u64 = fields.nth(16)?.parse().ok()?;
        let start = fields.nth(1)?.parse().ok()?;
        Some(Shown { start, ended: matches!(state, "Z" | "X") && threads <= 1 })
    }

    /// Whether the process of that pid still is the one that started then.
    pub(super) fn runs(pid: u64, start: u64) -> bool {
        Shown::look(pid).is_ok_and(|shown| shown.began(start) && !shown.ended)
    }

    fn look(pid: u64) -> io::Result<Shown> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let shown = Shown::parse(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let offset = clock::boot_offset().cast_signed() / TICK;
        Ok(Shown { start: shown.start.wrapping_add_signed(-offset), ..shown })
    }

    /// One tick more or less is what is lost where time namespaces differ by a part of one: nobody has had
    /// the pid in between.
    fn began(&self, start: u64) -> bool {
        self.start.abs_diff(start) <= 1
    }
}

/// When the process of that pid started, in clock ticks since boot; nothing if there is none.
pub fn start_time(pid: u64) -> io::Result<u64> {
    Ok(Shown::look(pid)?.start)
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
    /// the descriptor still. Only a pid that names nobody, somebody younger or a
    /// zombie says so.
    fn is_gone_by_pid(&self, id: u64) -> bool {
        let Some(index) = self.book.index_of(id) else { return false };
        let value = |word| self.book.member_value(index, word);
        if value(member::WRITTEN) != id {
            return false;
        }
        let (pid, start) = (value(member::PID), value(member::START));
        let same_view = value(member::PID_NAMESPACE) == self.pid_namespace;
        if self.pid_namespace == 0 || !same_view || pid == 0 || start == 0 {
            return false;
        }
        match Shown::look(pid) {
            Ok(shown) => !shown.began(start) || shown.ended,
            // Nor may `/proc` hide it: of other users' processes it shows nothing where it is so mounted.
            Err(why) => why.kind() == io::ErrorKind::NotFound && pid::is_nobodys(pid),
        }
    }
}

impl Living for Witness<'_> {
    fn is_alive(&self, id: u64) -> bool {
        if id == self.own {
            return true;
        }
        let _here = NotCancelled::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_has_ended_unless_other_threads_run() {
        let stat = |state, threads| {
            let rest = "1 1 1 0 -1 4228364 0 0 0 0 0 0 0 0 20 0";
            Shown::parse(&format!("7 (a) b) {state} {rest} {threads} 0 4711 0 0"))
        };
        let shown = |ended| Some(Shown { start: 4711, ended });
        assert_eq!(stat("S", 1), shown(false));
        assert_eq!(stat("Z", 1), shown(true));
        assert_eq!(stat("Z", 2), shown(false));
        assert_eq!(Shown::parse("7 (a) S 1"), None);
    }
}
