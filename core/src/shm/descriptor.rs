//! A descriptor that a host program may close under us.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use super::file::{self, Stat};

/// A file kept open for as long as the process. Programs that become daemons close descriptors they
/// do not know, and may then open others under the same number: each use first looks whether it is
/// still this file, and opens it again by its path if not.
pub struct Descriptor {
    number: AtomicI32,
    path: PathBuf,
    stat: Stat,
}

/// The same open file under a number that is nobody's standard input, output or error: in a program
/// that has closed those, what anybody prints would be written over the file.
fn above_standard(file: File) -> io::Result<File> {
    if file.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(file);
    }
    // SAFETY: copies a descriptor that is open.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) } {
        copy if copy >= 0 => {
            // SAFETY: made just above, and shown to nobody.
            Ok(unsafe { File::from_raw_fd(copy) })
        }
        _ => Err(io::Error::last_os_error()),
    }
}

impl Descriptor {
    pub fn keep(file: File, path: &Path) -> io::Result<Descriptor> {
        let file = above_standard(file)?;
        let stat = file::stat(file.as_fd())?;
        let number = AtomicI32::new(file.into_raw_fd());
        Ok(Descriptor { number, path: path.to_owned(), stat })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn stat(&self) -> Stat {
        self.stat
    }

    /// Hands the file to `act`; an error if it cannot be reached any more.
    pub fn with<T>(&self, act: impl FnOnce(BorrowedFd) -> io::Result<T>) -> io::Result<T> {
        let number = self.number.load(Ordering::Acquire);
        if self.leads_here(number) {
            // SAFETY: open, as was just seen. A program that closes it in this very moment makes the
            // calls in `act` fail or meet another file; they only lock, ask of locks, and map.
            return act(unsafe { BorrowedFd::borrow_raw(number) });
        }
        let again = above_standard(file::open(&self.path, true)?)?;
        if !file::stat(again.as_fd())?.is_same_file(&self.stat) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "another file has its name now"));
        }
        let again = again.into_raw_fd();
        match self.number.compare_exchange(number, again, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: opened just above, and kept.
            Ok(_) => act(unsafe { BorrowedFd::borrow_raw(again) }),
            Err(first) => {
                // SAFETY: opened just above, and shown to nobody.
                unsafe { libc::close(again) };
                // SAFETY: another thread has just opened it.
                act(unsafe { BorrowedFd::borrow_raw(first) })
            }
        }
    }

    fn leads_here(&self, number: i32) -> bool {
        if number < 0 {
            return false;
        }
        // SAFETY: asks what the number leads to, if anything.
        let there = file::stat(unsafe { BorrowedFd::borrow_raw(number) });
        there.is_ok_and(|stat| stat.is_same_file(&self.stat))
    }

    /// Lets go of the open file. In a child made by fork this is how the parent's locks come to end
    /// with the parent; unlocking would end them now. Async-signal-safe.
    pub fn close(&self) {
        let number = self.number.swap(-1, Ordering::AcqRel);
        if self.leads_here(number) {
            // SAFETY: still our file, and this process's own table of descriptors.
            unsafe { libc::close(number) };
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.close();
    }
}
