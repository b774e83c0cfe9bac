//! Who hands out entry points: the loader's `dlopen` and `dlsym`, and the driver's own
//! `cuGetProcAddress`.
//!
//! The two loader functions only rewrite their arguments and jump: result, `dlerror`, reference
//! counts, RUNPATH, namespaces and the caller's RTLD_NEXT are the real function's. On that path
//! nothing is allocated, locked or thread-local: it runs before `main`, in signal handlers, and
//! inside malloc's own start-up.

use core::ffi::{CStr, c_char, c_int, c_void};

use cudarc::driver::sys::{CUdriverProcAddressQueryResult, CUuuid, cuuint64_t};

use super::real::Real;
use super::{ALL, find, open_cuda, open_nvml};
use crate::client::{self, Client};
use crate::driver::addresses::ADDRESSES;
use crate::driver::{Entry, Library, Status, dl, elf, find as search, load, scope};

/// Where to jump, and with which arguments. `arch` reads it by offset.
#[repr(C)]
pub struct Jump {
    target: *mut c_void,
    arguments: [usize; 3],
}

// SAFETY: stands before the loader's `dlopen`, with its signature, and ends in it.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlopen(_file: *const c_char, _flags: c_int) -> *mut c_void {
    rewritten_jump!(rewrite_dlopen)
}

// SAFETY: stands before the loader's `dlsym`, with its signature, and ends in it.
#[cfg_attr(not(test), unsafe(no_mangle))]
#[unsafe(naked)]
pub unsafe extern "C" fn dlsym(_handle: *mut c_void, _name: *const c_char) -> *mut c_void {
    rewritten_jump!(rewrite_dlsym)
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
        static PATH: search::Kept = search::Kept::new();
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

/// 11.3: four arguments; a miss answers 500 and leaves `*function` as it was.
pub fn proc_address(
    client: &Client,
    real: &Real,
    _symbol: *const c_char,
    function: *mut *mut c_void,
    _version: c_int,
    _flags: cuuint64_t,
) -> Status {
    translated(client, real.call(), function)
}

/// 12.0: a miss answers 0 with `*function` null, and says why in `*status`.
pub fn proc_address_v2(
    client: &Client,
    real: &Real,
    _symbol: *const c_char,
    function: *mut *mut c_void,
    _version: c_int,
    _flags: cuuint64_t,
    _status: *mut CUdriverProcAddressQueryResult,
) -> Status {
    translated(client, real.call(), function)
}

/// The driver has answered: its address becomes ours, if it is one of ours.
fn translated(client: &Client, status: Status, function: *mut *mut c_void) -> Status {
    if !status.ok() || function.is_null() {
        return status;
    }
    // SAFETY: the driver has just written there, or accepted it as a place to write.
    let real = unsafe { *function };
    let index = ADDRESSES.find(real.cast());
    if let Some(entry) = index.and_then(|index| ALL.get(index)) {
        // SAFETY: as above.
        unsafe { *function = entry.exported().cast() };
    }
    if !real.is_null() {
        client.handed_out_by_driver(index);
    }
    status
}

/// Private tables: passed through unread, and counted by UUID for the coverage report.
pub fn export_table(
    client: &Client,
    real: &Real,
    _table: *mut *const c_void,
    id: *const CUuuid,
) -> Status {
    let status = real.call();
    if !id.is_null() {
        // SAFETY: not null, and read by the driver in the call above. A UUID is sixteen bytes.
        let uuid = unsafe { id.cast::<[u8; 16]>().read_unaligned() };
        client.export_table_asked(uuid, status.ok());
    }
    status
}
