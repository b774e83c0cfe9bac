//! A file as a row of 64-bit words that several processes read and write.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicU64;

/// The words of a mapped file. Every word is an atomic: never a plain reference to memory another
/// process writes. The mapping lasts as long as the process.
#[derive(Clone, Copy)]
pub struct Words {
    words: &'static [AtomicU64],
}

impl Words {
    /// Maps the first `count` words of `file`, which is at least that long.
    pub fn map(file: &File, count: usize) -> io::Result<Words> {
        let bytes = count * size_of::<u64>();
        if count == 0 || file.metadata()?.len() < bytes as u64 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is too short"));
        }
        // SAFETY: a fresh shared mapping of a descriptor that is open; the kernel chooses the place.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: mapped just above for `bytes`, page-aligned, never unmapped. Any bit pattern is a
        // valid atomic word, whoever else writes it.
        let words = unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>(), count) };
        Ok(Words { words })
    }

    pub fn get(&self, index: usize) -> Option<&'static AtomicU64> {
        self.words.get(index)
    }

    pub fn run(&self, start: usize, count: usize) -> Option<&'static [AtomicU64]> {
        self.words.get(start..start.checked_add(count)?)
    }
}
