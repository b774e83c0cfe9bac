//! What this library says of itself: its version, which is also the mark by which another copy of
//! it is recognised, and what it does at each entry point, for `cuota doctor`.

use core::ffi::{CStr, c_char, c_uint};

use crate::driver::Kind;
use crate::hooks::ALL;

const VERSION: &CStr = crate::hooks::c_str(concat!(env!("CARGO_PKG_VERSION"), "\0"));

/// This library's version.
// SAFETY: the name is ours alone.
#[unsafe(no_mangle)]
pub extern "C" fn cuota_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The name of the `index`-th entry point, null past the last. `*how` becomes "body", "row" or
/// "forwarded"; `*reason` why it may be forwarded, else null.
///
/// # Safety
/// `how` and `reason` are writable.
// SAFETY: the name is ours alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuota_entry_point(
    index: c_uint,
    how: *mut *const c_char,
    reason: *mut *const c_char,
) -> *const c_char {
    let Some(entry) = ALL.get(index as usize) else { return core::ptr::null() };
    let (word, why) = match entry.kind {
        Kind::Hooked { thunk: Some(_) } => (c"body", core::ptr::null()),
        Kind::Hooked { thunk: None } => (c"row", core::ptr::null()),
        Kind::Forwarded { reason } => (c"forwarded", reason.as_ptr()),
    };
    // SAFETY: promised by the caller.
    unsafe {
        *how = word.as_ptr();
        *reason = why;
    }
    entry.name.as_ptr()
}
