//! `dlopen` of the driver, under whatever name or path, becomes `dlopen` of us.

use core::ffi::{CStr, c_char, c_int, c_void};

use super::Jump;
use crate::driver::find::{self, Asked};
use crate::driver::load::{self, Outcome};
use crate::driver::path::Kept;
use crate::driver::{dl, scope};
use crate::hooks::open_cuda;

// SAFETY: stands before the loader's `dlopen`, with its signature, and ends in it.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen(_file: *const c_char, _flags: c_int) -> *mut c_void {
    rewritten_jump!(rewrite_dlopen)
}

/// # Safety
/// `jump` is writable; `file` is null or a C string, as `dlopen` itself demands.
unsafe extern "C" fn rewrite_dlopen(
    jump: *mut Jump,
    file: *const c_char,
    flags: c_int,
    caller: *const c_void,
) {
    // SAFETY: as promised by the caller, `dlopen` above.
    let (jump, name) = unsafe { (&mut *jump, (!file.is_null()).then(|| CStr::from_ptr(file))) };
    *jump = Jump { target: dl::next_dlopen(), arguments: [file.addr(), flags as usize, 0] };
    let Some(name) = name else { return };
    if find::means_driver(name.to_bytes()) {
        rewrite_driver(jump, Asked { name: Some(name), caller: dl::object_of(caller) }, flags);
    } else if load::driver().is_null() && really_opens(flags) && find::needs_driver(name) {
        // What is linked to the driver may make its first driver call from a constructor, on another
        // thread than the one that holds the loader's lock: the driver must be there before.
        open_cuda(Asked { name: None, caller: core::ptr::null() });
    }
}

/// Not a mere question, nor a mode the loader will refuse.
fn really_opens(flags: c_int) -> bool {
    flags & libc::RTLD_NOLOAD == 0 && flags & (libc::RTLD_LAZY | libc::RTLD_NOW) != 0
}

fn rewrite_driver(jump: &mut Jump, asked: Asked, flags: c_int) {
    if asked.path().is_some_and(|path| !find::exists(path)) {
        return; // the loader says so in its own words
    }
    if flags & libc::RTLD_NOLOAD != 0 && !scope::is_loaded() {
        // Not loaded, as far as the program can know; nor will this load it.
        match load::locate(asked) {
            Some(path) => jump.open(path),
            None => jump.fail_like_absent(asked, flags & !libc::RTLD_NOLOAD),
        }
        return;
    }
    match open_cuda(asked) {
        Outcome::Loaded => {
            scope::mark_opened(flags);
            let ours = dl::name_of(dl::ourselves()).as_ptr().addr();
            jump.arguments = [ours, (flags & !libc::RTLD_DEEPBIND) as usize, 0];
        }
        Outcome::Broken(path) => jump.open(path),
        Outcome::Absent => jump.fail_like_absent(asked, flags),
    }
}

impl Jump {
    /// Another path, which outlives this code.
    fn open(&mut self, path: &'static Kept) {
        self.arguments[0] = path.as_ptr().addr();
    }

    /// By name the loader would find *us*. In a namespace of its own it finds nothing, and says so
    /// in the very words the program would have got without us. (It was asked before: `elsewhere`.)
    fn fail_like_absent(&mut self, asked: Asked, flags: c_int) {
        let name = asked.name.map_or(core::ptr::null(), CStr::as_ptr);
        self.target = libc::dlmopen as *mut c_void;
        let flags = flags & !libc::RTLD_GLOBAL;
        self.arguments = [libc::LM_ID_NEWLM as usize, name.addr(), flags as usize];
    }
}
