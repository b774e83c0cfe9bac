//! Whether this process has one thread only, as the C library says it: then a lock need not be swapped.

use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

static WORD: AtomicPtr<AtomicU8> = AtomicPtr::new(std::ptr::null_mut());

/// Where the C library (glibc 2.32 and later) says so: not 0 while there is one thread. It is 0 before
/// a second one runs, and nobody is in the middle of a lock when a thread is made.
pub fn learn(word: &'static AtomicU8) {
    WORD.store(std::ptr::from_ref(word).cast_mut(), Ordering::Relaxed);
}

#[inline(always)]
pub fn is_alone() -> bool {
    // SAFETY: null, or the word that `learn` was given for good.
    unsafe { WORD.load(Ordering::Relaxed).as_ref() }
        .is_some_and(|word| word.load(Ordering::Relaxed) != 0)
}
