//! A stretch of a file as a row of 64-bit words that several processes read and write; or of memory of
//! this process alone.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

/// The words of a mapped stretch. Every word is an atomic: never a plain reference to memory another
/// process writes. The mapping lasts as long as the process.
#[derive(Clone, Copy)]
pub struct Words {
    words: &'static [AtomicU64],
}

impl Words {
    /// Maps the first `count` words of `file`, which is at least that long.
    pub fn map(file: &File, count: usize) -> io::Result<Words> {
        Words::map_at(file.as_fd(), 0, count)
    }

    /// Maps `count` words from the byte `start`, a multiple of a page; the file is that long.
    pub fn map_at(file: BorrowedFd, start: u64, count: usize) -> io::Result<Words> {
        let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file is too short");
        let bytes = count.checked_mul(size_of::<u64>()).ok_or_else(short)?;
        let end = start.checked_add(bytes as u64).ok_or_else(short)?;
        if count == 0 || super::file::size(file)? < end {
            return Err(short());
        }
        let offset = libc::off_t::try_from(start).map_err(|_| short())?;
        Words::fresh(count, bytes, libc::MAP_SHARED, file.as_raw_fd(), offset)
    }

    /// Words of this process, 0 all of them. They cost what is touched of them.
    pub fn own(count: usize) -> io::Result<Words> {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        Words::fresh(count, count.saturating_mul(size_of::<u64>()), kind, -1, 0)
    }

    fn fresh(
        count: usize,
        bytes: usize,
        kind: libc::c_int,
        file: libc::c_int,
        offset: libc::off_t,
    ) -> io::Result<Words> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping, of nothing or of a descriptor that is open; the kernel chooses the
        // place.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, file, offset) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: mapped just above for `bytes`, page-aligned, never unmapped. Any bit pattern is a
        // valid atomic word, whoever else writes it.
        let words = unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>(), count) };
        Ok(Words { words })
    }

    /// Keeps the mapping, and with it the open file and its locks, out of children made by fork.
    /// They must not touch these words; false if the kernel cannot do it.
    pub fn keep_from_children(&self) -> bool {
        let (start, bytes) = (self.words.as_ptr(), size_of_val(self.words));
        // SAFETY: advice on a whole mapping of our own; it changes nothing in this process.
        unsafe { libc::madvise(start.cast_mut().cast(), bytes, libc::MADV_DONTFORK) == 0 }
    }

    pub fn get(&self, index: usize) -> Option<&'static AtomicU64> {
        self.words.get(index)
    }

    #[inline(always)]
    pub fn run(&self, start: usize, count: usize) -> Option<&'static [AtomicU64]> {
        self.words.get(start..start.checked_add(count)?)
    }

    /// The word at `index`, or 0 past the end.
    pub fn value(&self, index: usize) -> u64 {
        self.get(index).map_or(0, |word| word.load(Ordering::Acquire))
    }

    pub fn set(&self, index: usize, value: u64) {
        if let Some(word) = self.get(index) {
            word.store(value, Ordering::Release);
        }
    }
}
