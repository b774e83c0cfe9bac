//! `dlsym` of a driver's or NVML's name on their handle becomes one on ours, if they have it.

use core::ffi::{CStr, c_char, c_void};

use super::Jump;
use crate::client;
use crate::driver::{Entry, Library, dl, load, scope};
use crate::hooks::{find, open_cuda, open_nvml};

// SAFETY: stands before the loader's `dlsym`, with its signature, and ends in it.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlsym(_handle: *mut c_void, _name: *const c_char) -> *mut c_void {
    rewritten_jump!(rewrite_dlsym)
}

/// # Safety
/// `jump` is writable; `handle` and `name` are as `dlsym` itself demands.
unsafe extern "C" fn rewrite_dlsym(
    jump: *mut Jump,
    handle: *mut c_void,
    name: *const c_char,
    caller: *const c_void,
) {
    // SAFETY: as promised by the caller, `dlsym` above.
    let (jump, text) = unsafe { (&mut *jump, (!name.is_null()).then(|| CStr::from_ptr(name))) };
    *jump = Jump { target: dl::next_dlsym(), arguments: [handle.addr(), name.addr(), 0] };
    let Some(text) = text else { return };
    let bytes = text.to_bytes();
    if handle == libc::RTLD_NEXT {
        return;
    }
    let driver = load::driver();
    if bytes.starts_with(b"cu") || bytes.starts_with(b"nvml") {
        // SAFETY: the handle is the program's own, valid as `dlsym` demands.
        jump.arguments[0] = unsafe { handle_for(handle, text, caller) }.addr();
    } else if !driver.is_null() && handle != libc::RTLD_DEFAULT && handle == dl::our_handle() {
        jump.arguments[0] = driver.addr(); // what else the driver may have, or its own error
    }
}

/// The handle with which the loader gives the right answer for a name that may be one of ours.
///
/// # Safety
/// `handle` is one `dlsym` may be given.
unsafe fn handle_for(handle: *mut c_void, name: &CStr, caller: *const c_void) -> *mut c_void {
    let known = find(name);
    let ours = dl::our_handle();
    if handle == libc::RTLD_DEFAULT || core::ptr::eq(handle, dl::program().cast()) {
        return match known {
            Some((_, entry)) if !scope::is_global(entry.library) => {
                // SAFETY: checked just above to be one of the two.
                unsafe { scope::as_without_us(handle, name, entry.exported(), caller) }
            }
            _ => handle,
        };
    }
    if core::ptr::eq(handle, ours) && load::driver().is_null() {
        open_cuda(None);
    }
    let driver = load::driver();
    match known {
        Some((index, entry)) if entry.library == Library::Nvml => {
            // SAFETY: the program's own handle.
            if !unsafe { is_nvml_of(handle, entry) } {
                return handle;
            }
            client::handed_out_by_dlsym(index);
            ours
        }
        _ if driver.is_null() || !(handle == driver || core::ptr::eq(handle, ours)) => handle,
        Some((index, entry)) if !entry.real().is_null() => {
            client::handed_out_by_dlsym(index);
            ours
        }
        _ => driver,
    }
}

/// Whether `handle` is the NVML our rows lead to, whose `entry` this is.
///
/// # Safety
/// `handle` is one `dlsym` may be given.
unsafe fn is_nvml_of(handle: *mut c_void, entry: &'static Entry) -> bool {
    // SAFETY: promised by the caller; the name ends in NUL.
    let real = unsafe { dl::sym(handle, entry.name.as_ptr()) }.cast::<()>();
    if real.is_null() || core::ptr::eq(real, entry.exported()) {
        return false;
    }
    open_nvml(Some(handle)) && core::ptr::eq(entry.real(), real)
}
