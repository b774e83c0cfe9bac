//! Where the real driver is, without the SONAME's help: the loader would answer with us.
//!
//! Order: `CUOTA_DRIVER`, the program's own path if it gave one, `LD_LIBRARY_PATH`, the loader's
//! cache, the usual container and distribution directories. Nothing here allocates.

use core::ffi::{CStr, c_char};

use super::path::Path;
use super::{cache, dl};

const SONAME: &CStr = c"libcuda.so.1";

#[cfg(target_arch = "x86_64")]
const DIRECTORIES: [&CStr; 9] = [
    c"/usr/local/nvidia/lib64",
    c"/usr/local/nvidia/lib",
    c"/usr/lib/x86_64-linux-gnu",
    c"/usr/lib/x86_64-linux-gnu/nvidia/current",
    c"/lib/x86_64-linux-gnu",
    c"/usr/lib64",
    c"/lib64",
    c"/usr/lib/wsl/lib",
    c"/usr/lib",
];
#[cfg(target_arch = "aarch64")]
const DIRECTORIES: [&CStr; 8] = [
    c"/usr/local/nvidia/lib64",
    c"/usr/local/nvidia/lib",
    c"/usr/lib/aarch64-linux-gnu",
    c"/usr/lib/aarch64-linux-gnu/nvidia/current",
    c"/lib/aarch64-linux-gnu",
    c"/usr/lib64",
    c"/lib64",
    c"/usr/lib",
];

fn variable(name: &CStr) -> Option<&'static CStr> {
    // SAFETY: the name ends in NUL. The environment may be changed by another thread meanwhile, as
    // under every getenv in the process, the loader's own included.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: getenv answers with a C string.
    let value = unsafe { CStr::from_ptr(value) };
    (!value.is_empty()).then_some(value)
}

/// Whether there is a file at `path`.
pub fn exists(path: &CStr) -> bool {
    // SAFETY: the path ends in NUL.
    unsafe { libc::access(path.as_ptr(), libc::F_OK) == 0 }
}

/// The path `CUOTA_DRIVER` gives, if it is set: then nowhere else is searched.
pub fn told() -> Option<&'static CStr> {
    variable(c"CUOTA_DRIVER")
}

/// Offers candidate paths for the real driver, best first, until `accept` takes one. `asked` is what
/// the program passed to `dlopen`, if it did.
pub fn search(asked: Option<&CStr>, accept: &mut dyn FnMut(&CStr) -> bool) -> bool {
    if let Some(path) = told() {
        return accept(path);
    }
    let asked_file = asked.map_or(SONAME.to_bytes(), |path| base(path.to_bytes()));
    let mut path = Path::new();
    if let Some(asked) = asked.filter(|path| path.to_bytes().contains(&b'/'))
        && path.copy(asked)
        && exists(path.as_c())
        && accept(path.as_c())
    {
        return true;
    }
    let mut offer = |directory: &[u8], accept: &mut dyn FnMut(&CStr) -> bool| {
        [SONAME.to_bytes(), asked_file]
            .into_iter()
            .any(|file| path.set(directory, file) && exists(path.as_c()) && accept(path.as_c()))
    };
    let listed = variable(c"LD_LIBRARY_PATH").map_or(&b""[..], CStr::to_bytes);
    for directory in listed.split(|byte| matches!(byte, b':' | b';')) {
        let directory = if directory.is_empty() { b"." } else { directory };
        if !listed.is_empty() && offer(directory, accept) {
            return true;
        }
    }
    if cache::lookup(SONAME, accept) {
        return true;
    }
    DIRECTORIES.iter().any(|directory| offer(directory.to_bytes(), accept))
}

/// Offers the files a library's name may stand for: itself if it is a path, else where the loader
/// looks by `LD_LIBRARY_PATH` and its cache (a caller's RUNPATH is not known here).
pub fn file_of(library: &CStr, accept: &mut dyn FnMut(&CStr) -> bool) -> bool {
    if library.to_bytes().contains(&b'/') {
        return accept(library);
    }
    let mut path = Path::new();
    let listed = variable(c"LD_LIBRARY_PATH").map_or(&b""[..], CStr::to_bytes);
    let first = listed.split(|byte| matches!(byte, b':' | b';')).find_map(|directory| {
        let there = path.set(directory, library.to_bytes()) && exists(path.as_c());
        there.then(|| accept(path.as_c()))
    });
    first.unwrap_or_else(|| cache::lookup(library, accept))
}

/// The last part of a path.
pub fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Whether a name given to `dlopen` means the driver.
pub fn means_driver(name: &[u8]) -> bool {
    match base(name).strip_prefix(b"libcuda.so") {
        Some(rest) => rest.is_empty() || rest.starts_with(b"."),
        None => false,
    }
}

/// Whether the file at `path` is a build of this library, by the symbol that marks it.
///
/// # Safety
/// `handle` is that file, open.
pub unsafe fn is_us(handle: *mut core::ffi::c_void) -> bool {
    const MARK: &CStr = c"cuota_version";
    // SAFETY: the handle is open, as the caller promised.
    !unsafe { dl::sym(handle, MARK.as_ptr().cast::<c_char>()) }.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_the_driver() {
        for yes in ["libcuda.so", "libcuda.so.1", "/usr/lib/libcuda.so.535.54", "x/libcuda.so"] {
            assert!(means_driver(yes.as_bytes()), "{yes}");
        }
        for no in ["libcudart.so", "libcuda.so1", "libcuda", "libcuda.so.1/x", "libcuda.solid", ""]
        {
            assert!(!means_driver(no.as_bytes()), "{no}");
        }
    }
}
