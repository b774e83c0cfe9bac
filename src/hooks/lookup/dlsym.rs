//! `dlsym` of a driver's or NVML's name on their handle becomes one on ours, if they have it.

use core::ffi::{CStr, c_char, c_void};

use super::Jump;
use crate::client;
use crate::driver::find::{self as search, Asked};
use crate::driver::{Library, dl, load, scope};
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
    if bytes.starts_with(b"cu") || bytes.starts_with(b"nvml") {
        // SAFETY: the handle is the program's own, valid as `dlsym` demands.
        jump.arguments[0] = unsafe { handle_for(handle, text, caller) }.addr();
    } else if handle != libc::RTLD_DEFAULT && handle == dl::our_handle() {
        jump.arguments[0] = elsewhere_than_us(handle).addr();
    }
}

/// The handle with which the loader gives the right answer for a name that may be one of ours.
///
/// # Safety
/// `handle` is one `dlsym` may be given.
unsafe fn handle_for(handle: *mut c_void, name: &CStr, caller: *const c_void) -> *mut c_void {
    let Some((index, entry)) = find(name) else {
        let ours = handle != libc::RTLD_DEFAULT && handle == dl::our_handle();
        return if ours { elsewhere_than_us(handle) } else { handle };
    };
    let global = handle == libc::RTLD_DEFAULT || core::ptr::eq(handle, dl::program().cast());
    if global && !scope::is_global(entry.library) {
        // SAFETY: it is one of the two.
        return unsafe { scope::as_without_us(handle, name, entry.exported(), caller) };
    }
    // SAFETY: the program's own handle; the name ends in NUL.
    let found = unsafe { dl::sym(handle, name.as_ptr()) }.cast::<()>();
    match entry.library {
        // What another library has under NVML's names is its own.
        Library::Nvml if is_nvmls(found) && open_nvml(Some(handle)) && found == entry.real() => {
            client::handed_out_by_dlsym(index);
            dl::our_handle()
        }
        Library::Cuda if found == entry.exported() || handle == load::driver() => {
            let _ = open_cuda(Asked { name: None, caller: core::ptr::null() });
            if entry.real().is_null() {
                return elsewhere_than_us(handle); // an older driver's honest error
            }
            client::handed_out_by_dlsym(index);
            if handle == load::driver() { dl::our_handle() } else { handle }
        }
        _ => handle,
    }
}

/// The driver's own handle for what is not ours: what else it has, or its own error.
fn elsewhere_than_us(handle: *mut c_void) -> *mut c_void {
    let driver = load::driver();
    if driver.is_null() { handle } else { driver }
}

/// Whether an address lies in NVML, by the name of the file.
fn is_nvmls(address: *mut ()) -> bool {
    let path = dl::name_of(dl::object_of(address.cast())).to_bytes();
    search::base(path).starts_with(b"libnvidia-ml.so")
}
