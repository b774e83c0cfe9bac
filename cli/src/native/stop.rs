//! How a command that goes on by itself is told to end.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::system::handle;

static TOLD: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT and SIGTERM do not end this process: [`wait`] says that they came.
pub fn by_signal() {
    extern "C" fn told(_: c_int) {
        TOLD.store(true, Ordering::Relaxed);
    }
    handle(libc::SIGINT, told);
    handle(libc::SIGTERM, told);
}

/// Waits; false as soon as a signal has come or nobody reads standard output any more.
pub fn wait(time: Duration) -> bool {
    // Nothing is asked of the descriptor: that its reader is gone is told in any case.
    let mut output = libc::pollfd { fd: libc::STDOUT_FILENO, events: 0, revents: 0 };
    let most = c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
    if !TOLD.load(Ordering::Relaxed) {
        // SAFETY: one structure of our own, and so many are announced.
        unsafe { libc::poll(&raw mut output, 1, most) };
    }
    !TOLD.load(Ordering::Relaxed) && output.revents == 0
}
