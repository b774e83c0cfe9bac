//! Where the loader looks for libraries, as it tells itself: run paths with `$ORIGIN` in place, and
//! `LD_LIBRARY_PATH` as it was when the process started.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};

use super::dl::LinkMap;

const RTLD_DI_SERINFO: c_int = 4;
const RTLD_DI_SERINFOSIZE: c_int = 5;
/// The directory is one of the system's own, searched after the loader's cache.
const LA_SER_DEFAULT: c_uint = 0x40;

#[repr(C)]
struct Directory {
    name: *const c_char,
    flags: c_uint,
}

#[repr(C)]
struct Directories {
    size: usize,
    count: c_uint,
    first: [Directory; 1],
}

unsafe extern "C" {
    fn dlinfo(handle: *mut c_void, request: c_int, answer: *mut c_void) -> c_int;
}

/// Offers the directories in which what `object` asks for is looked for, but for the system's own,
/// until `stop` is content.
pub fn of(object: *const LinkMap, stop: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    if object.is_null() {
        return false;
    }
    let handle = object.cast_mut().cast::<c_void>();
    // SAFETY: a record of the loader serves as a handle for this question, which reads its search
    // lists alone. The first answer says how large the second is; both are this thread's own memory,
    // and the second is filled by the loader within that size.
    unsafe {
        let mut size = core::mem::MaybeUninit::<Directories>::zeroed();
        if dlinfo(handle, RTLD_DI_SERINFOSIZE, size.as_mut_ptr().cast()) != 0 {
            return false;
        }
        let size = size.assume_init();
        let memory = libc::malloc(size.size.max(size_of::<Directories>())).cast::<Directories>();
        if memory.is_null() {
            return false;
        }
        (*memory).size = size.size;
        (*memory).count = size.count;
        let mut stopped = false;
        if dlinfo(handle, RTLD_DI_SERINFO, memory.cast()) == 0 {
            let first = (&raw const (*memory).first).cast::<Directory>();
            for index in 0..(*memory).count as usize {
                let directory = &*first.add(index);
                if directory.flags & LA_SER_DEFAULT == 0 && !directory.name.is_null() {
                    let name = CStr::from_ptr(directory.name).to_bytes();
                    // The empty entry of a list is the working directory.
                    stopped = stop(if name.is_empty() { b"." } else { name });
                }
                if stopped {
                    break;
                }
            }
        }
        libc::free(memory.cast());
        stopped
    }
}
