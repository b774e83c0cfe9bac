//! Where device addresses come from: a part of the address space nothing else can be in.
//!
//! Its pages cannot be touched: a program that follows a device pointer itself faults, as it would
//! on a real card. The bytes behind an address are found through [`super::range`].

use super::extents::Extents;
use crate::api::{E, R};
use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

struct Window {
    base: usize,
    len: usize,
    free: Mutex<Extents>,
}

/// Wanted, and what to be content with under a limit on address space.
const WANTED: usize = 16 << 40;
const CONTENT: usize = 16 << 30;
/// The strictest alignment the window itself offers.
const ALIGN: usize = 1 << 30;

/// A stretch of the window, given back when dropped.
#[derive(Debug)]
pub struct Va {
    pub base: usize,
    pub len: usize,
}

/// Takes the lowest free stretch.
pub fn take(len: usize, align: usize) -> Result<Va, E> {
    let window = window()?;
    let base = window.free().take(len, align).ok_or(E::OUT_OF_MEMORY)?;
    Ok(Va { base, len })
}

/// Takes this very stretch, if it is free.
pub fn take_at(base: usize, len: usize) -> Option<Va> {
    window().ok()?.free().take_at(base, len).then_some(Va { base, len })
}

/// Whether an address can only be a device address.
pub fn contains(address: usize) -> bool {
    window().is_ok_and(|window| address.wrapping_sub(window.base) < window.len)
}

fn window() -> Result<&'static Window, E> {
    static WINDOW: OnceLock<Option<Window>> = OnceLock::new();
    WINDOW.get_or_init(reserve).as_ref().ok_or(E::OUT_OF_MEMORY)
}

fn reserve() -> Option<Window> {
    let mut len = WANTED;
    while len >= CONTENT {
        // SAFETY: a fresh mapping placed by the kernel, which nothing can read or write.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len + ALIGN,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start != libc::MAP_FAILED {
            let base = (start as usize).next_multiple_of(ALIGN);
            let free = Mutex::new(Extents::new(base, len));
            return Some(Window { base, len, free });
        }
        len /= 2;
    }
    None
}

impl Window {
    fn free(&self) -> MutexGuard<'_, Extents> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Va {
    fn drop(&mut self) {
        if let Ok(window) = window() {
            window.free().give(self.base, self.len);
        }
    }
}

impl Va {
    /// Lets the host follow a stretch of these addresses to part of a file.
    pub fn expose(
        &self,
        base: usize,
        len: usize,
        file: BorrowedFd<'_>,
        start: usize,
        writable: bool,
    ) -> R {
        let write = if writable { libc::PROT_WRITE } else { 0 };
        let flags = libc::MAP_SHARED | libc::MAP_FIXED | libc::MAP_NORESERVE;
        self.remap(base, len, libc::PROT_READ | write, flags, file.as_raw_fd(), start)
    }

    /// Makes a stretch untouchable again.
    pub fn hide(&self, base: usize, len: usize) -> R {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
        self.remap(base, len, libc::PROT_NONE, flags, -1, 0)
    }

    fn remap(&self, base: usize, len: usize, access: i32, flags: i32, fd: i32, start: usize) -> R {
        let inside = base >= self.base && base.saturating_add(len) <= self.base + self.len;
        if !inside {
            return Err(E::INVALID_VALUE);
        }
        // SAFETY: only replaces pages of the window that this stretch was given.
        let made = unsafe {
            libc::mmap(base as *mut c_void, len, access, flags, fd, start as libc::off_t)
        };
        if made == libc::MAP_FAILED { Err(E::MAP_FAILED) } else { Ok(()) }
    }
}
