//! A file of memory, and this process's view of it: what stands for the cells of a card.
//!
//! Files, because processes share device memory and one allocation can be mapped twice. They are
//! sparse: an untouched card costs nothing, and what is freed is given back at once.

use super::extents::Extents;
use crate::api::E;
use std::ffi::c_void;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub struct Arena {
    file: File,
    /// Offset in the file where the view begins.
    start: usize,
    view: usize,
    len: usize,
    /// Free offsets; empty for a file another process hands out.
    room: Mutex<Extents>,
}

const WANTED: usize = 8 << 40;
const CONTENT: usize = 8 << 30;
pub const PAGE: usize = 4096;

impl Arena {
    /// A file of its own, with `room` bytes to hand out of `len`.
    pub fn new(room: usize, len: usize) -> Result<Arc<Arena>, E> {
        // SAFETY: the name is a literal with its final zero.
        let fd = unsafe { libc::memfd_create(c"cuota-sim-memory".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(E::OPERATING_SYSTEM);
        }
        // SAFETY: a descriptor just made, owned by nobody else.
        let file = unsafe { File::from_raw_fd(fd) };
        file.set_len(len as u64).or(Err(E::OUT_OF_MEMORY))?;
        Arena::view_of(file, 0, len, Extents::new(0, room))
    }

    /// Part of a file that another process, or another piece of code, hands out.
    pub fn adopt(file: File, start: usize, len: usize) -> Result<Arc<Arena>, E> {
        Arena::view_of(file, start, len, Extents::default())
    }

    /// The one that holds this process's ordinary allocations.
    pub fn ordinary() -> Result<Arc<Arena>, E> {
        static ORDINARY: OnceLock<Option<Arc<Arena>>> = OnceLock::new();
        let found = ORDINARY.get_or_init(|| {
            let halves = std::iter::successors(Some(WANTED), |len| Some(len / 2));
            let mut sizes = halves.take_while(|len| *len >= CONTENT);
            sizes.find_map(|len| Arena::new(len, len).ok())
        });
        found.clone().ok_or(E::OUT_OF_MEMORY)
    }

    fn view_of(file: File, start: usize, len: usize, room: Extents) -> Result<Arc<Arena>, E> {
        // SAFETY: a fresh shared mapping, placed by the kernel.
        let view = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_NORESERVE,
                file.as_raw_fd(),
                start as libc::off_t,
            )
        };
        if view == libc::MAP_FAILED {
            return Err(E::MAP_FAILED);
        }
        let (view, room) = (view as usize, Mutex::new(room));
        Ok(Arc::new(Arena { file, start, view, len, room }))
    }

    /// Where the byte at this offset is seen, as long as the arena lives.
    pub fn at(&self, offset: usize) -> usize {
        self.view + offset
    }

    /// The same byte's place in the file.
    pub fn in_file(&self, offset: usize) -> usize {
        self.start + offset
    }

    /// Whether a stretch lies inside, the last page (a label's) left out.
    pub fn holds(&self, offset: usize, bytes: usize) -> bool {
        let end = offset.checked_add(bytes);
        end.is_some_and(|end| end <= self.len.saturating_sub(PAGE))
    }

    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub fn take(&self, bytes: usize) -> Result<usize, E> {
        let bytes = bytes.next_multiple_of(PAGE);
        self.room().take(bytes, PAGE).ok_or(E::OUT_OF_MEMORY)
    }

    /// The contents go too: whoever takes the offsets next finds zeros.
    pub fn give(&self, offset: usize, bytes: usize) {
        let bytes = bytes.next_multiple_of(PAGE);
        // SAFETY: the stretch is inside the view and the caller was its only user; where a hole
        // cannot be punched the old contents stay, as they would on a card.
        unsafe { libc::madvise(self.at(offset) as *mut c_void, bytes, libc::MADV_REMOVE) };
        self.room().give(offset, bytes);
    }

    fn room(&self) -> MutexGuard<'_, Extents> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the mapping made by `view_of`; nobody holds the arena any more.
        unsafe { libc::munmap(self.view as *mut c_void, self.len) };
    }
}
