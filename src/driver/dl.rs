//! The loader's own functions, past our `dlopen` and `dlsym` and whoever else wraps them after us.
//!
//! No allocation, no lock, no thread-local, nothing of std: this runs before `main`, inside signal
//! handlers and inside malloc's own start-up.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};

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
    fn dladdr1(address: *const c_void, info: *mut libc::Dl_info, extra: *mut *mut c_void, flags: c_int) -> c_int;
}

static DLOPEN: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
static DLSYM: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());

fn resolve(cell: &AtomicPtr<c_void>, name: &CStr) -> *mut c_void {
    let known = cell.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    let mut found: *mut c_void = core::ptr::null_mut();
    for version in VERSIONS {
        if found.is_null() {
            // SAFETY: both strings end in NUL. RTLD_NEXT is relative to this library, which is where
            // the call is made.
            found = unsafe { libc::dlvsym(libc::RTLD_NEXT, name.as_ptr(), version.as_ptr()) };
        }
    }
    cell.store(found, Ordering::Relaxed);
    found
}

/// The loader's `dlopen`, as an address to jump to.
pub fn dlopen_address() -> *mut c_void {
    resolve(&DLOPEN, c"dlopen")
}

/// The loader's `dlsym`, as an address to jump to.
pub fn dlsym_address() -> *mut c_void {
    resolve(&DLSYM, c"dlsym")
}

/// `dlopen(path)` as the loader answers it; null if it fails.
pub fn open(path: &CStr, flags: c_int) -> *mut c_void {
    let address = dlopen_address();
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
    let address = dlsym_address();
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

/// The loader's record of this library: what `dlopen` of us returns.
pub fn ourselves() -> *mut LinkMap {
    static SELF: AtomicPtr<LinkMap> = AtomicPtr::new(core::ptr::null_mut());
    let known = SELF.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    let map = object_of((ourselves as fn() -> *mut LinkMap) as *const c_void);
    SELF.store(map, Ordering::Relaxed);
    map
}

/// The program's own record: what `dlopen(NULL)` returns, the first in the loader's list.
pub fn program() -> *mut LinkMap {
    let mut map = ourselves();
    // SAFETY: the list is linked by the loader. The objects before us in it (the program, and what
    // was loaded before we were) are never unloaded while we are, since we were needed after them or
    // are preloaded; their `prev` links therefore do not change.
    unsafe {
        while !map.is_null() && !(*map).prev.is_null() {
            map = (*map).prev;
        }
    }
    map
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
