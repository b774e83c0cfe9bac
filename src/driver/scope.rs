//! What the program could see without us: being preloaded puts the driver's names into the global
//! scope of programs that never opened it, and probes must fail there as they always did.

use core::ffi::{CStr, c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};

use super::{Library, dl, load, loaded};

/// The program has opened the driver; and has done so for everyone to see.
static OPENED: AtomicBool = AtomicBool::new(false);
static GLOBAL: AtomicBool = AtomicBool::new(false);

/// The program has opened the driver by itself, with these flags.
pub fn mark_opened(flags: c_int) {
    OPENED.store(true, Ordering::Relaxed);
    if flags & libc::RTLD_GLOBAL != 0 {
        GLOBAL.store(true, Ordering::Relaxed);
    }
}

/// Something loaded is linked to the driver. It stays true: such libraries are rarely unloaded.
fn is_needed() -> bool {
    static NEEDED: AtomicBool = AtomicBool::new(false);
    if !NEEDED.load(Ordering::Relaxed) && loaded::anyone_needs_driver() {
        NEEDED.store(true, Ordering::Relaxed);
    }
    NEEDED.load(Ordering::Relaxed)
}

/// Whether the driver would be loaded without us.
pub fn is_loaded() -> bool {
    OPENED.load(Ordering::Relaxed) || is_needed()
}

/// Whether a library's names would be in the global scope without us.
pub fn is_global(library: Library) -> bool {
    match library {
        Library::Nvml => load::nvml_is_loaded(),
        Library::Cuda => GLOBAL.load(Ordering::Relaxed) || is_needed(),
    }
}

/// The handle with which the loader answers a global lookup of `name` as if our `exported` were not
/// there: where the name is defined after us, or where it is not, so that the lookup fails.
///
/// The loader words that failure with the caller's name. For a caller that is a library we get the
/// same words from the library's own scope; for the program itself, whose scope we are in, from
/// libc's.
///
/// # Safety
/// `handle` is RTLD_DEFAULT or the program's own.
pub unsafe fn as_without_us(
    handle: *mut c_void,
    name: &CStr,
    exported: *mut (),
    caller: *const c_void,
) -> *mut c_void {
    // SAFETY: `handle` is valid, as the caller promised; RTLD_NEXT is a pseudo-handle.
    let (first, later) =
        unsafe { (dl::sym(handle, name.as_ptr()), dl::sym(libc::RTLD_NEXT, name.as_ptr())) };
    if !core::ptr::eq(first.cast::<()>(), exported) {
        return handle;
    }
    let later = dl::object_of(later);
    // The real driver is there for everyone only because we loaded it so.
    if !later.is_null() && !core::ptr::eq(later.cast(), load::driver()) {
        let later = dl::handle_of(later);
        if !later.is_null() {
            // SAFETY: opened just above; what defines the name in the global scope stays loaded.
            unsafe { dl::close(later) };
        }
        return later;
    }
    let library = dl::object_of(caller);
    let library = if library.is_null() { core::ptr::null_mut() } else { dl::handle_of(library) };
    if !library.is_null() {
        // SAFETY: a handle opened just above, and closed again: the library it is of stays loaded,
        // for its code is about to be returned to.
        let local = unsafe { dl::sym(library, name.as_ptr()) };
        // SAFETY: as above.
        unsafe { dl::close(library) };
        if local.is_null() {
            return library;
        }
    }
    dl::handle_of(dl::object_of(libc::getpid as *const c_void))
}
