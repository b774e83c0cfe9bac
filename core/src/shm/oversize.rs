//! A file that grows past the process's limit (`ulimit -f`) must be an error, not the program's end.

/// While this lives, what makes a file too long is refused with EFBIG and nothing else: the SIGXFSZ that
/// comes with it is blocked in this thread, and is taken back.
pub struct NoSizeSignal {
    before: libc::sigset_t,
    /// One was pending before: it is the program's own, and stays.
    theirs: bool,
}

fn only_it() -> libc::sigset_t {
    // SAFETY: all zero is a valid set; the calls change this thread's own memory.
    unsafe {
        let mut set = core::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGXFSZ);
        set
    }
}

impl NoSizeSignal {
    #[allow(clippy::new_without_default)]
    pub fn new() -> NoSizeSignal {
        let it = only_it();
        // SAFETY: all zero is a valid set; changes this thread's own mask, and writes what was before and
        // what is pending to our memory.
        unsafe {
            let (mut before, mut pending) = (core::mem::zeroed(), core::mem::zeroed());
            libc::sigprocmask(libc::SIG_BLOCK, &it, &mut before);
            libc::sigpending(&mut pending);
            let theirs = libc::sigismember(&pending, libc::SIGXFSZ) == 1;
            NoSizeSignal { before, theirs }
        }
    }
}

impl Drop for NoSizeSignal {
    fn drop(&mut self) {
        let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: takes a signal this thread has blocked since `new`, without waiting for one, and gives
        // back the mask `new` found.
        unsafe {
            if !self.theirs {
                libc::sigtimedwait(&only_it(), core::ptr::null_mut(), &now);
            }
            libc::sigprocmask(libc::SIG_SETMASK, &self.before, core::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_pending() -> bool {
        // SAFETY: as in `new`.
        unsafe {
            let mut pending = core::mem::zeroed();
            libc::sigpending(&mut pending);
            libc::sigismember(&pending, libc::SIGXFSZ) == 1
        }
    }

    fn raise() {
        // SAFETY: sends this thread a signal; both tests have it blocked.
        unsafe { libc::raise(libc::SIGXFSZ) };
    }

    #[test]
    fn what_comes_meanwhile_is_taken_back() {
        let outer = NoSizeSignal::new();
        {
            let _inner = NoSizeSignal::new();
            raise();
            assert!(is_pending());
        }
        assert!(!is_pending());
        raise();
        // Unblocked with the signal still there, this process would end here.
        drop(outer);
    }

    #[test]
    fn what_was_pending_before_stays() {
        let outer = NoSizeSignal::new();
        raise();
        drop(NoSizeSignal::new());
        assert!(is_pending());
        drop(outer);
    }
}
