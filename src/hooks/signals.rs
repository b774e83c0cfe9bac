//! The functions that set what SIGTERM does are watched, never replaced: who sets a handler has it, and who
//! asks for the old one is told the default where ours stands (`driver/term.rs`). Every other signal is
//! none of ours.

use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::AtomicPtr;

use crate::driver::{dl, term};

type Handler = usize;
type Signal = unsafe extern "C" fn(c_int, Handler) -> Handler;

/// Whether programs come to our functions: not where the library stands only in the driver's place.
pub fn are_watched() -> bool {
    let ours = sigaction as *const () as *mut c_void;
    // SAFETY: the global scope, and a name that ends in NUL.
    unsafe { dl::sym(libc::RTLD_DEFAULT, c"sigaction".as_ptr()) == ours }
}

// SAFETY: stands before the C library's `sigaction`, with its signature, and asks it.
#[cfg_attr(not(test), unsafe(no_mangle))]
pub unsafe extern "C" fn sigaction(
    signal: c_int,
    new: *const libc::sigaction,
    old: *mut libc::sigaction,
) -> c_int {
    if signal != libc::SIGTERM {
        // SAFETY: as promised by the caller, who keeps to `sigaction`'s contract.
        return unsafe { term::set(signal, new, old) };
    }
    // SAFETY: as above; ours is another valid one.
    term::alone(|| unsafe {
        let wants_default = !new.is_null() && (*new).sa_sigaction == libc::SIG_DFL;
        let ours = if wants_default { term::instead_of_default() } else { None };
        let answer = term::set(signal, ours.as_ref().map_or(new, core::ptr::from_ref), old);
        if answer == 0 && !old.is_null() && term::is_ours((*old).sa_sigaction) {
            *old = core::mem::zeroed();
        }
        answer
    })
}

/// The older ones, which take a handler and give the one before.
macro_rules! older {
    ($($name:ident)*) => {$(
        // SAFETY: stands before the C library's function of that name, with its signature, and asks it.
        #[cfg_attr(not(test), unsafe(no_mangle))]
        pub unsafe extern "C" fn $name(signal: c_int, handler: Handler) -> Handler {
            static NEXT: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
            // SAFETY: as promised by the caller; the next function of that name has that signature.
            unsafe { asked(&NEXT, const { $crate::hooks::c_str(concat!(stringify!($name), "\0")) }, signal, handler) }
        }
    )*};
}

older! { signal bsd_signal ssignal sysv_signal __sysv_signal sigset }

/// # Safety
/// `name` is one of the functions above; the rest is as it demands.
unsafe fn asked(next: &AtomicPtr<c_void>, name: &CStr, signal: c_int, handler: Handler) -> Handler {
    let found = term::next(next, name);
    if found.is_null() {
        return libc::SIG_ERR;
    }
    // SAFETY: found by its name, and so of that type.
    let set = |new| unsafe { core::mem::transmute::<*mut c_void, Signal>(found)(signal, new) };
    if signal != libc::SIGTERM {
        return set(handler);
    }
    term::alone(|| {
        let ours = if handler == libc::SIG_DFL { term::instead_of_default() } else { None };
        let before = set(ours.map_or(handler, |ours| ours.sa_sigaction));
        if term::is_ours(before) { libc::SIG_DFL } else { before }
    })
}
