//! The machine this process is on: found at the first need, and again after a fork.

use super::Machine;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

static CURRENT: AtomicPtr<Machine> = AtomicPtr::new(null_mut());
static FORKS: Once = Once::new();

/// Finds or makes the machine; what `cuInit` and `nvmlInit` ask first.
pub fn open() -> Result<&'static Machine, String> {
    let known = CURRENT.load(Acquire);
    if !known.is_null() {
        // SAFETY: only leaked boxes are stored, and they are never freed.
        return Ok(unsafe { &*known });
    }
    FORKS.call_once(|| {
        // SAFETY: the handler touches an atomic and closes a descriptor, both allowed in a child.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
    let machine = match std::env::var_os("CUOTA_SIM").filter(|dir| !dir.is_empty()) {
        Some(dir) => Machine::in_directory(Path::new(&dir))?,
        None => Machine::alone()?,
    };
    let made = Box::into_raw(Box::new(machine));
    match CURRENT.compare_exchange(null_mut(), made, AcqRel, Acquire) {
        // SAFETY: leaked just above and never freed.
        Ok(_) => Ok(unsafe { &*made }),
        Err(first) => {
            // SAFETY: `made` came from a box and was shown to nobody; it holds no slot yet.
            drop(unsafe { Box::from_raw(made) });
            // SAFETY: as above, only leaked boxes are stored.
            Ok(unsafe { &*first })
        }
    }
}

/// The machine, for code that runs after a successful `open`.
///
/// A process that loses its machine afterwards (a fork child whose directory is gone) has no
/// card to simulate, and ends.
pub fn current() -> &'static Machine {
    open().unwrap_or_else(|why| {
        let _ = writeln!(std::io::stderr(), "cuota-sim: {why}");
        std::process::abort()
    })
}

/// A fork child is a process of its own. It must not keep the parent's open file: the parent's
/// locks would outlive the parent in it.
extern "C" fn in_child() {
    let inherited = CURRENT.swap(null_mut(), Relaxed);
    if !inherited.is_null() {
        // SAFETY: the box is leaked, so its descriptor stays owned by nobody else; the child uses
        // the box no more, and closing (never unlocking) leaves the parent's locks alone.
        unsafe { libc::close((*inherited).file.as_raw_fd()) };
    }
}
