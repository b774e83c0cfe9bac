//! A word that one thread waits at and any other rings, also from a signal handler.

use core::ffi::c_long;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

/// What was asked for since somebody last listened, as bits.
pub struct Bell(AtomicU32);

impl Bell {
    pub const fn new() -> Bell {
        Bell(AtomicU32::new(0))
    }

    /// Async-signal-safe.
    pub fn ring(&self, what: u32) {
        self.0.fetch_or(what, Ordering::AcqRel);
        // SAFETY: wakes whoever waits at this word; nothing is written.
        unsafe {
            libc::syscall(libc::SYS_futex, self.0.as_ptr(), WAKE, i32::MAX);
        }
    }

    /// What it was rung for; 0 if it was not before the time is over.
    pub fn wait(&self, most: Duration) -> u32 {
        if self.0.load(Ordering::Acquire) == 0 {
            let span = libc::timespec {
                tv_sec: most.as_secs().try_into().unwrap_or(libc::time_t::MAX),
                tv_nsec: c_long::from(most.subsec_nanos().cast_signed()),
            };
            // SAFETY: waits while the word is 0, for as long as this thread's own memory says.
            unsafe {
                libc::syscall(libc::SYS_futex, self.0.as_ptr(), WAIT, 0, &raw const span);
            }
        }
        self.0.swap(0, Ordering::AcqRel)
    }
}

const WAIT: i32 = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
const WAKE: i32 = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
