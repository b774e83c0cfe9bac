//! The loader's functions, past our own `dlopen` and `dlsym`.
//!
//! Nothing here allocates or locks beyond what the loader itself does when asked.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::path::Path;

pub type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
pub type Dlsym = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

/// Versions the two functions carry: glibc ≥ 2.34, then libdl before it.
#[cfg(target_arch = "x86_64")]
const VERSIONS: [&CStr; 2] = [c"GLIBC_2.34", c"GLIBC_2.2.5"];
#[cfg(target_arch = "aarch64")]
const VERSIONS: [&CStr; 2] = [c"GLIBC_2.34", c"GLIBC_2.17"];

/// The head of the loader's record of a loaded object; a handle from `dlopen` points to one.
#[repr(C)]
pub struct LinkMap {
    pub base: usize,
    pub name: *const c_char,
    pub dynamic: *const c_void,
    pub next: *mut LinkMap,
    pub prev: *mut LinkMap,
}

const RTLD_DL_LINKMAP: c_int = 2;

unsafe extern "C" {
    fn dladdr1(
        address: *const c_void,
        info: *mut libc::Dl_info,
        extra: *mut *mut c_void,
        flags: c_int,
    ) -> c_int;
}

static DLOPEN: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static DLSYM: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static NEXT_DLOPEN: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static NEXT_DLSYM: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

/// What `cell` holds, or what `find` finds, held from now on. Threads that race find the same.
fn kept(cell: &AtomicPtr<c_void>, find: impl FnOnce() -> *mut c_void) -> *mut c_void {
    let known = cell.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    let found = find();
    cell.store(found, Ordering::Relaxed);
    found
}

/// The loader's own function, which other wrappers, having no versions, are not.
fn loaders(cell: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    kept(cell, || {
        let versioned = VERSIONS.iter().map(|version| {
            // SAFETY: both strings end in NUL. RTLD_NEXT is relative to this library, which is where
            // the call is made.
            unsafe { libc::dlvsym(libc::RTLD_NEXT, name.as_ptr(), version.as_ptr()) }
        });
        versioned.into_iter().find(|found| !found.is_null()).unwrap_or_default()
    })
}

/// Whoever comes after us: a wrapper preloaded behind us sees what it would see without us.
fn next(cell: &AtomicPtr<c_void>, name: &CStr, own: &AtomicPtr<c_void>) -> *mut c_void {
    kept(cell, || {
        // SAFETY: RTLD_NEXT is a pseudo-handle, relative to this library; the name ends in NUL.
        let found = unsafe { sym(libc::RTLD_NEXT, name.as_ptr()) };
        if found.is_null() { loaders(own, name) } else { found }
    })
}

/// The next `dlopen` after ours, as an address to jump to.
pub fn next_dlopen() -> *mut c_void {
    next(&NEXT_DLOPEN, c"dlopen", &DLOPEN)
}

/// The next `dlsym` after ours, as an address to jump to.
pub fn next_dlsym() -> *mut c_void {
    next(&NEXT_DLSYM, c"dlsym", &DLSYM)
}

/// `dlopen(path)` as the loader answers it; null if it fails.
pub fn open(path: &CStr, flags: c_int) -> *mut c_void {
    let address = loaders(&DLOPEN, c"dlopen");
    if address.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: `address` is the loader's `dlopen`, found by that name and version; the path ends in
    // NUL. What the opened library's constructors do is what the program asked for by using CUDA.
    unsafe { core::mem::transmute::<*mut c_void, Dlopen>(address)(path.as_ptr(), flags) }
}

/// `dlsym(handle, name)` as the loader answers it; null if it fails.
///
/// # Safety
/// `handle` is a pseudo-handle or one that `dlopen` gave and nobody closed; `name` ends in NUL.
pub unsafe fn sym(handle: *mut c_void, name: *const c_char) -> *mut c_void {
    let address = loaders(&DLSYM, c"dlsym");
    if address.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: `address` is the loader's `dlsym`; handle and name are as the caller promised.
    unsafe { core::mem::transmute::<*mut c_void, Dlsym>(address)(handle, name) }
}

/// Gives back a handle that turned out not to be wanted.
///
/// # Safety
/// `handle` came from `open` and nothing of the library is in use.
pub unsafe fn close(handle: *mut c_void) {
    // SAFETY: promised by the caller.
    unsafe { libc::dlclose(handle) };
}

/// The loaded object `address` lies in; null if in none.
pub fn object_of(address: *const c_void) -> *mut LinkMap {
    let mut info = core::mem::MaybeUninit::<libc::Dl_info>::uninit();
    let mut map = core::ptr::null_mut();
    // SAFETY: `dladdr1` reads no memory at `address`, and writes the two places it is given.
    let found = unsafe { dladdr1(address, info.as_mut_ptr(), &raw mut map, RTLD_DL_LINKMAP) };
    if found == 0 { core::ptr::null_mut() } else { map.cast() }
}

/// The loader's record of this library.
pub fn ourselves() -> *mut LinkMap {
    static SELF: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
    kept(&SELF, || object_of((ourselves as fn() -> *mut LinkMap) as *const c_void).cast()).cast()
}

/// A handle `dlsym` may be given for a loaded object. Its record alone will not do: what was loaded
/// as somebody's dependency has no search list before it is opened. Opening counts as one more use,
/// so what is asked about here stays loaded.
pub fn handle_of(map: *const LinkMap) -> *mut c_void {
    let name = name_of(map);
    if name.is_empty() {
        return core::ptr::null_mut();
    }
    open(name, libc::RTLD_LAZY | libc::RTLD_NOLOAD)
}

/// Offers the file the loader finds by `name` in a namespace of its own, where we are not.
pub fn elsewhere(name: &CStr, stop: &mut dyn FnMut(&CStr) -> bool) -> bool {
    // SAFETY: the name ends in NUL. The copy that is loaded is closed again before anybody sees it.
    let handle = unsafe { libc::dlmopen(libc::LM_ID_NEWLM, name.as_ptr(), libc::RTLD_LAZY) };
    if handle.is_null() {
        return false;
    }
    let mut path = Path::new();
    let known = path.copy(name_of(handle.cast()));
    // SAFETY: opened just above, and nothing of it used.
    unsafe { close(handle) };
    known && stop(path.as_c())
}

/// This library's handle.
pub fn our_handle() -> *mut c_void {
    static HANDLE: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
    kept(&HANDLE, || handle_of(ourselves()))
}

/// The program's own handle, the global scope: what `dlopen(NULL)` gives.
pub fn program() -> *mut LinkMap {
    static PROGRAM: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
    kept(&PROGRAM, || {
        let address = loaders(&DLOPEN, c"dlopen");
        if address.is_null() {
            return address;
        }
        // SAFETY: `address` is the loader's `dlopen`; null asks for the program itself.
        unsafe {
            core::mem::transmute::<*mut c_void, Dlopen>(address)(core::ptr::null(), libc::RTLD_LAZY)
        }
    })
    .cast()
}

/// The name the loader knows an object by ("" for the program itself).
pub fn name_of(map: *const LinkMap) -> &'static CStr {
    if map.is_null() {
        return c"";
    }
    // SAFETY: `map` is a live record of the loader, whose name is a C string kept as long as it.
    unsafe {
        let name = (*map).name;
        if name.is_null() { c"" } else { CStr::from_ptr(name) }
    }
}
