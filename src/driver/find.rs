//! Where the real driver is, without the SONAME's help: the loader would answer with us.
//!
//! Order: `CUOTA_DRIVER`, the program's own path if it gave one, where the loader looks (run paths of
//! the caller and of the program, `LD_LIBRARY_PATH` as it was at start-up, its cache), the usual
//! container and distribution directories; last, what the loader itself finds in a namespace
//! without us.

use core::ffi::{CStr, c_char};

use super::dl::LinkMap;
use super::path::Path;
use super::{cache, dl, file, loaded, process};

pub const SONAME: &CStr = c"libcuda.so.1";

/// Where containers and distributions put it.
#[cfg(target_arch = "x86_64")]
pub const DIRECTORIES: [&CStr; 9] = [
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
/// Where containers and distributions put it.
#[cfg(target_arch = "aarch64")]
pub const DIRECTORIES: [&CStr; 8] = [
    c"/usr/local/nvidia/lib64",
    c"/usr/local/nvidia/lib",
    c"/usr/lib/aarch64-linux-gnu",
    c"/usr/lib/aarch64-linux-gnu/nvidia/current",
    c"/lib/aarch64-linux-gnu",
    c"/usr/lib64",
    c"/lib64",
    c"/usr/lib",
];

/// Whether there is a file at `path`.
pub fn exists(path: &CStr) -> bool {
    // SAFETY: the path ends in NUL.
    unsafe { libc::access(path.as_ptr(), libc::F_OK) == 0 }
}

/// The path `CUOTA_DRIVER` gives, if it is set: then nowhere else is searched. A program that runs
/// with more rights than its caller does not listen to the caller's environment.
pub fn told() -> Option<&'static CStr> {
    if process::has_more_rights() {
        return None;
    }
    // SAFETY: the name ends in NUL. The environment may be changed by another thread meanwhile, as
    // under every getenv in the process.
    let value = unsafe { libc::getenv(c"CUOTA_DRIVER".as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: getenv answers with a C string.
    let value = unsafe { CStr::from_ptr(value) };
    (!value.is_empty()).then_some(value)
}

/// Who asks for the driver, and under which name: `dlopen` was called so, or nobody knows.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub name: Option<&'a CStr>,
    pub caller: *const LinkMap,
}

impl Asked<'_> {
    /// The path the program gave, if it gave one.
    pub fn path(&self) -> Option<&CStr> {
        self.name.filter(|name| name.to_bytes().contains(&b'/'))
    }
}

/// Offers candidate paths for the real driver, best first, until `stop` is content.
pub fn search(asked: Asked, stop: &mut dyn FnMut(&CStr) -> bool) -> bool {
    if let Some(path) = told() {
        return stop(path);
    }
    if asked.path().is_some_and(|path| exists(path) && stop(path)) {
        return true;
    }
    let name = asked.name.map_or(SONAME.to_bytes(), |path| base(path.to_bytes()));
    let mut program = Path::new();
    process::program_path(&mut program);
    let program = split(program.as_c().to_bytes()).0;
    let run_paths = |kind, stop: &mut dyn FnMut(&CStr) -> bool| {
        [asked.caller, dl::program()].into_iter().any(|object| {
            let own = split(dl::name_of(object).to_bytes()).0;
            let origin = if own.is_empty() { program } else { own };
            let mut look = |directory: &[u8]| in_directory(directory, origin, name, stop);
            // SAFETY: the caller is about to be returned to, and the program stays.
            unsafe { loaded::run_path(object, kind, &mut look) }
        })
    };
    run_paths(loaded::DT_RPATH, stop)
        || listed(&process::first_library_path())
            .any(|directory| in_directory(directory, program, name, stop))
        || run_paths(loaded::DT_RUNPATH, stop)
        || cache::lookup(SONAME, stop)
        || DIRECTORIES.iter().any(|directory| in_directory(directory.to_bytes(), b"", name, stop))
        || dl::elsewhere(SONAME, stop)
}

/// Offers the driver's file in a directory, under its own name or the one it was asked for by.
fn in_directory(
    directory: &[u8],
    origin: &[u8],
    name: &[u8],
    stop: &mut dyn FnMut(&CStr) -> bool,
) -> bool {
    // With more rights than its caller, a program is not where the caller may have put it.
    if directory.contains(&b'$') && process::has_more_rights() {
        return false;
    }
    let mut path = Path::new();
    [SONAME.to_bytes(), name].into_iter().any(|file| {
        path.set_expanded(directory, origin, file) && exists(path.as_c()) && stop(path.as_c())
    })
}

/// The directories of a list like `LD_LIBRARY_PATH`; an empty list has none.
fn listed(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let directories = list.split(|byte| matches!(byte, b':' | b';'));
    directories.filter(|_| !list.is_empty())
}

/// Whether opening the library of that name makes the driver needed at once. A bare name is looked
/// for in `LD_LIBRARY_PATH` alone, and what the library needs in turn is not looked at: this is paid
/// for on every `dlopen` of a program that may have nothing to do with CUDA.
pub fn needs_driver(library: &CStr) -> bool {
    if library.to_bytes().contains(&b'/') {
        return file::needs_driver(library);
    }
    // SAFETY: as in `told`.
    let list = unsafe { libc::getenv(c"LD_LIBRARY_PATH".as_ptr()) };
    if list.is_null() {
        return false;
    }
    // SAFETY: getenv answers with a C string.
    let list = unsafe { CStr::from_ptr(list) }.to_bytes();
    let mut path = Path::new();
    listed(list)
        .any(|directory| path.set(directory, library.to_bytes()) && file::needs_driver(path.as_c()))
}

/// A path's directory and its last part.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let file = base(path);
    let directory = path.get(..path.len() - file.len()).unwrap_or_default();
    (directory.strip_suffix(b"/").unwrap_or(directory), file)
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
