//! What waits or reads files in somebody's thread must not be where the thread is cancelled.

/// While this lives its thread cannot be cancelled: a forced unwind must not meet our frames.
pub struct NotCancelled {
    before: core::ffi::c_int,
}

unsafe extern "C" {
    fn pthread_setcancelstate(
        state: core::ffi::c_int,
        old: *mut core::ffi::c_int,
    ) -> core::ffi::c_int;
}

impl NotCancelled {
    #[allow(clippy::new_without_default)]
    pub fn new() -> NotCancelled {
        const DISABLE: core::ffi::c_int = 1;
        let mut before = 0;
        // SAFETY: changes this thread's own state and writes the old one to our memory.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        NotCancelled { before }
    }
}

impl Drop for NotCancelled {
    fn drop(&mut self) {
        let mut ignored = 0;
        // SAFETY: gives back the state `new` found.
        unsafe { pthread_setcancelstate(self.before, &mut ignored) };
    }
}
