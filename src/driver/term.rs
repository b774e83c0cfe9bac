//! SIGTERM while its disposition is the default: a handler of ours that nobody sees, which has the process
//! end by that signal a little later.
//!
//! Whose turn it is must be known: whoever sets a handler of his own has replaced ours, and whoever asks is
//! told what he would have been told without us. So the functions that set one are watched
//! (`hooks/signals.rs`); where they cannot be, nothing is installed.

use core::ffi::{CStr, c_int, c_void};
use core::mem::zeroed;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use super::dl;
use super::process;

type Sigaction = unsafe extern "C" fn(c_int, *const libc::sigaction, *mut libc::sigaction) -> c_int;

/// What a handler does besides: it says whether the interrupted thread may go on.
type Act = fn() -> bool;

/// The process that has a handler; children made by fork have it too, and it is none of theirs.
static OWNER: AtomicU32 = AtomicU32::new(0);
static ACT: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
static CALLED: AtomicBool = AtomicBool::new(false);

/// The next function of that name after ours.
pub fn next(cell: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let known = cell.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: RTLD_NEXT is relative to this library; the name ends in NUL.
    let found = unsafe { dl::sym(libc::RTLD_NEXT, name.as_ptr()) };
    cell.store(found, Ordering::Relaxed);
    found
}

/// The real `sigaction`.
///
/// # Safety
/// As for `sigaction`.
pub unsafe fn set(signal: c_int, new: *const libc::sigaction, old: *mut libc::sigaction) -> c_int {
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
    let found = next(&NEXT, c"sigaction");
    if found.is_null() {
        return -1;
    }
    // SAFETY: the C library's `sigaction`, or a wrapper of it; the arguments are as promised.
    unsafe { core::mem::transmute::<*mut c_void, Sigaction>(found)(signal, new, old) }
}

fn own() -> usize {
    handler as *const () as usize
}

/// Whether a handler is ours.
pub fn is_ours(handler: usize) -> bool {
    handler == own()
}

fn ours() -> libc::sigaction {
    // SAFETY: a zeroed one is a valid one.
    let mut new = unsafe { zeroed::<libc::sigaction>() };
    new.sa_sigaction = own();
    new.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    new
}

/// Has `act` called when SIGTERM comes, for as long as its disposition is the default. The first process of
/// a PID namespace has none: it is not ended by a signal that it does not handle.
pub fn when_terminated(act: Act, watched: bool) {
    let own = process::id();
    if !watched || own == 1 || OWNER.load(Ordering::Acquire) == own {
        return;
    }
    ACT.store(act as *mut (), Ordering::Release);
    OWNER.store(own, Ordering::Release);
    // SAFETY: a zeroed one is a valid one.
    alone(|| unsafe {
        let mut now = zeroed::<libc::sigaction>();
        let known = set(libc::SIGTERM, core::ptr::null(), &mut now) == 0;
        if known && now.sa_sigaction == libc::SIG_DFL {
            set(libc::SIGTERM, &ours(), core::ptr::null_mut());
        }
    });
}

/// Runs `act` while no other thread of this process sets what SIGTERM does: between a look and what follows
/// from it nobody's handler is lost. No signal comes meanwhile, for whoever handles one may want to set it.
pub fn alone<R>(act: impl FnOnce() -> R) -> R {
    /// Whose turn it is, by process: a child made meanwhile is not kept out by a thread that it has not.
    static TURN: AtomicU32 = AtomicU32::new(0);
    let own = process::id();
    // SAFETY: sets of signals are plain memory; the mask of this thread is put back as it was.
    unsafe {
        let mut all = zeroed::<libc::sigset_t>();
        let mut before = all;
        libc::sigfillset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, &mut before);
        loop {
            let whose = TURN.load(Ordering::Relaxed);
            let take = || TURN.compare_exchange(whose, own, Ordering::Acquire, Ordering::Relaxed);
            if whose != own && take().is_ok() {
                break;
            }
            libc::sched_yield();
        }
        let done = act();
        TURN.store(0, Ordering::Release);
        libc::sigprocmask(libc::SIG_SETMASK, &before, core::ptr::null_mut());
        done
    }
}

/// What to set where the program wants the default: ours, in the process that has one.
pub fn instead_of_default() -> Option<libc::sigaction> {
    (OWNER.load(Ordering::Acquire) == process::id()).then(ours)
}

/// Whether SIGTERM has come.
#[inline(always)]
pub fn is_called() -> bool {
    CALLED.load(Ordering::Relaxed)
}

/// A thread that was in the driver when SIGTERM came is out of it, and goes no further: without us there
/// would be no process any more. Not in a child.
#[cold]
pub fn stay() {
    while OWNER.load(Ordering::Acquire) == process::id() {
        // SAFETY: waits for a signal, as often as one comes.
        unsafe { libc::pause() };
    }
}

/// Async-signal-safe: looks at words, and ends the process or waits for its end.
extern "C" fn handler(_: c_int) {
    let act = ACT.load(Ordering::Acquire);
    let ours = OWNER.load(Ordering::Acquire) == process::id() && !act.is_null();
    if !ours || CALLED.swap(true, Ordering::AcqRel) {
        die();
        return;
    }
    // SAFETY: set by `when_terminated` from a function of this library; `errno` is this thread's.
    let goes_on = unsafe {
        let before = *libc::__errno_location();
        let goes_on = core::mem::transmute::<*mut (), Act>(act)();
        *libc::__errno_location() = before;
        goes_on
    };
    // Without us the process would have ended here: what a call that a signal interrupts answers, the
    // program must not see.
    if !goes_on {
        loop {
            // SAFETY: waits for a signal, as often as one comes.
            unsafe { libc::pause() };
        }
    }
}

/// Ends the process as SIGTERM would have.
pub fn die() {
    // SAFETY: the default disposition, and the signal to this very thread, which does not block it.
    unsafe {
        let new = zeroed::<libc::sigaction>();
        set(libc::SIGTERM, &new, core::ptr::null_mut());
        let mut only = zeroed::<libc::sigset_t>();
        libc::sigemptyset(&mut only);
        libc::sigaddset(&mut only, libc::SIGTERM);
        libc::raise(libc::SIGTERM);
        libc::sigprocmask(libc::SIG_UNBLOCK, &only, core::ptr::null_mut());
    }
}
