//! Standard error: where it leads, and lines written there.
//!
//! A program that closes descriptor 2 gets that number for whatever it opens next.

use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::os::fd::AsFd;

use cuota_core::shm::file::{self, Stat};

use super::process::NotCancelled;

static NOTED: AtomicU8 = AtomicU8::new(NOT_YET);
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// A program may call before any constructor has run, in its `.preinit_array`.
const NOT_YET: u8 = 0;
const CLOSED: u8 = 1;
const OPEN: u8 = 2;

// The only thing of ours that runs in a process that never touches CUDA: by the first call of the driver
// it would be too late.
// SAFETY: the loader calls what stands in this section, once, with arguments that may be ignored.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = note;

/// Remembers where standard error leads; `main` finds errno as it would have been.
extern "C" fn note() {
    // SAFETY: this thread's own word, which stays as long as the thread.
    let errno = unsafe { &mut *libc::__errno_location() };
    let before = *errno;
    let noted = match now() {
        Some(first) => {
            DEVICE.store(first.device, Ordering::Relaxed);
            INODE.store(first.inode, Ordering::Relaxed);
            OPEN
        }
        None => CLOSED,
    };
    NOTED.store(noted, Ordering::Release);
    *errno = before;
}

fn now() -> Option<Stat> {
    file::stat(std::io::stderr().as_fd()).ok()
}

/// Whether a line belongs where descriptor 2 leads now: where it led when the library was loaded, or to
/// what anybody may write to.
fn is_meant_for_us() -> bool {
    let Some(now) = now() else { return false };
    // SYNC POINT: pairs with the Release in `note`.
    match NOTED.load(Ordering::Acquire) {
        NOT_YET => true,
        OPEN if leads_where_it_led(&now) => true,
        _ => takes_lines(&now),
    }
}

fn leads_where_it_led(now: &Stat) -> bool {
    (now.device, now.inode) == (DEVICE.load(Ordering::Relaxed), INODE.load(Ordering::Relaxed))
}

/// A terminal, `/dev/null`, a pipe, or a file that is only added to: a log, and nobody's data.
fn takes_lines(now: &Stat) -> bool {
    match now.mode & libc::S_IFMT {
        libc::S_IFCHR | libc::S_IFIFO => true,
        // SAFETY: only asks.
        libc::S_IFREG => unsafe {
            libc::fcntl(libc::STDERR_FILENO, libc::F_GETFL) & libc::O_APPEND != 0
        },
        _ => false,
    }
}

/// Writes a line to standard error with one system call, or drops it: a full pipe must not make the
/// program wait, nor one nobody reads kill it, nor must the line end up in the program's data.
///
/// Not std's stderr: its lock, held by another thread at a fork, would hang the child.
pub fn write(line: &[u8]) {
    if !is_meant_for_us() {
        return;
    }
    let _here = NotCancelled::new();
    let mut ready = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: plain system calls on this thread's own memory. SIGPIPE is blocked for this thread
    // around the write and taken back if the write raised it; one that was pending before stays.
    unsafe {
        if libc::poll(&mut ready, 1, 0) != 1 || ready.revents & libc::POLLOUT == 0 {
            return;
        }
        let mut pipe = core::mem::zeroed::<libc::sigset_t>();
        let (mut before, mut pending) = (pipe, pipe);
        libc::sigemptyset(&mut pipe);
        libc::sigaddset(&mut pipe, libc::SIGPIPE);
        libc::sigpending(&mut pending);
        libc::sigprocmask(libc::SIG_BLOCK, &pipe, &mut before);
        let written = libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len());
        if written < 0 && libc::sigismember(&pending, libc::SIGPIPE) == 0 {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            libc::sigtimedwait(&pipe, core::ptr::null_mut(), &now);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &before, core::ptr::null_mut());
    }
}
