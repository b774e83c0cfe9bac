//! `dlopen` of the driver, under whatever name or path, becomes `dlopen` of us.

use core::ffi::{CStr, c_char, c_int, c_void};

use super::Jump;
use crate::driver::path::Kept;
use crate::driver::{dl, elf, find as search, load, scope};
use crate::hooks::open_cuda;

// SAFETY: stands before the loader's `dlopen`, with its signature, and ends in it.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen(_file: *const c_char, _flags: c_int) -> *mut c_void {
    rewritten_jump!(rewrite_dlopen)
}

/// # Safety
/// `jump` is writable; `file` is null or a C string, as `dlopen` itself demands.
unsafe extern "C" fn rewrite_dlopen(jump: *mut Jump, file: *const c_char, flags: c_int, _: usize) {
    // SAFETY: as promised by the caller, `dlopen` above.
    let (jump, name) = unsafe { (&mut *jump, (!file.is_null()).then(|| CStr::from_ptr(file))) };
    *jump = Jump { target: dl::next_dlopen(), arguments: [file.addr(), flags as usize, 0] };
    let Some(name) = name else { return };
    if search::means_driver(name.to_bytes()) {
        rewrite_driver(jump, name, flags);
    } else if load::driver().is_null() && name.to_bytes().windows(3).any(|part| part == b".so") {
        open_driver_for(name);
    }
}

/// A library linked to the driver may make its first driver call from a constructor, on another
/// thread than the one that holds the loader's lock: the driver must be there before.
fn open_driver_for(library: &CStr) {
    if search::file_of(library, &mut elf::file_needs_driver) {
        open_cuda(None);
    }
}

fn rewrite_driver(jump: &mut Jump, name: &CStr, flags: c_int) {
    if name.to_bytes().contains(&b'/') && !search::exists(name) {
        return; // the loader says so in its own words
    }
    if flags & libc::RTLD_NOLOAD != 0 && !scope::is_loaded() {
        // Not loaded, as far as the program can know; nor will this load it.
        if !load::locate(Some(name), &mut |path| jump.keep_path(path)) {
            jump.fail_like_absent(name, flags & !libc::RTLD_NOLOAD);
        }
    } else if open_cuda(Some(name)) {
        scope::mark_opened(flags);
        let ours = dl::name_of(dl::ourselves()).as_ptr().addr();
        jump.arguments = [ours, (flags & !libc::RTLD_DEEPBIND) as usize, 0];
    } else {
        jump.fail_like_absent(name, flags);
    }
}

impl Jump {
    /// The path of the real driver, which is not loaded: asked for with RTLD_NOLOAD the loader
    /// answers so. The path is kept for the jump; threads that race here write the same one.
    fn keep_path(&mut self, path: &CStr) {
        static PATH: Kept = Kept::new();
        self.arguments = [PATH.keep(path).addr(), self.arguments[1], 0];
    }

    /// By name the loader would find *us*. In a namespace of its own it finds nothing, and says so
    /// in the very words the program would have got without us.
    fn fail_like_absent(&mut self, name: &CStr, flags: c_int) {
        self.target = libc::dlmopen as *mut c_void;
        let flags = flags & !libc::RTLD_GLOBAL;
        self.arguments = [libc::LM_ID_NEWLM as usize, name.as_ptr().addr(), flags as usize];
    }
}
