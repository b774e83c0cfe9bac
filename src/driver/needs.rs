//! Whether loading a library brings in the driver: it, or something it needs, is linked to it.
#![forbid(unsafe_code)]

use core::ffi::CStr;

use super::cache::{self, with_file};
use super::dl::{self, LinkMap};
use super::file::Dynamic;
use super::find::{SONAME, exists};
use super::path::Path;
use super::{directories, find, process};

/// How deep, and in how many files in all, needs are followed: each costs a file opened on
/// somebody's `dlopen`.
const DEEPEST: u32 = 6;
const MOST: u32 = 64;

/// Whether opening `library`, asked for by `caller`, needs the driver. What is loaded already does
/// not count: its constructors have run.
pub fn the_driver(library: &CStr, caller: *const LinkMap) -> bool {
    let mut left = MOST;
    let name = library.to_bytes();
    if dl::is_loaded(library) {
        return false;
    }
    if !name.contains(&b'/') {
        return looked_for(library, caller, DEEPEST, &mut left);
    }
    let (mut path, mut program) = (Path::new(), Path::new());
    let caller = match dl::name_of(caller) {
        name if name.is_empty() && library.to_bytes().starts_with(b"$") => {
            process::program_path(&mut program);
            program.as_c()
        }
        name => name,
    };
    let (directory, file) = split(name);
    path.set_expanded(directory, split(caller.to_bytes()).0, file)
        && file_needs_driver(path.as_c(), DEEPEST, &mut left)
}

/// A path's directory and its last part.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let file = find::base(path);
    let directory = path.get(..path.len() - file.len()).unwrap_or_default();
    (directory.strip_suffix(b"/").unwrap_or(directory), file)
}

/// A bare name, wherever the loader would find it for `object` or for the program.
fn looked_for(name: &CStr, object: *const LinkMap, depth: u32, left: &mut u32) -> bool {
    let mut path = Path::new();
    let (mut found, mut needs) = (false, false);
    let mut offer = |directory: &[u8]| {
        found = path.set(directory, name.to_bytes()) && exists(path.as_c());
        needs = found && file_needs_driver(path.as_c(), depth, left);
        found
    };
    let _ = directories::of(object, &mut offer) || directories::of(dl::program(), &mut offer);
    if !found {
        cache::lookup(name, &mut |path| {
            needs = file_needs_driver(path, depth, left);
            true
        });
    }
    needs
}

fn file_needs_driver(path: &CStr, depth: u32, left: &mut u32) -> bool {
    if depth == 0 || *left == 0 {
        return false;
    }
    *left -= 1;
    with_file(path, |file| {
        let Some(dynamic) = Dynamic::of(file) else { return false };
        if dynamic.needed().any(|name| name == SONAME) {
            return true;
        }
        let origin = split(path.to_bytes()).0;
        dynamic.needed().any(|name| {
            !dl::is_loaded(name) && need_needs_driver(&dynamic, name, origin, depth - 1, left)
        })
    })
    .unwrap_or(false)
}

/// What a file needs, looked for where it says and then where everybody looks.
fn need_needs_driver(of: &Dynamic, name: &CStr, origin: &[u8], depth: u32, left: &mut u32) -> bool {
    let mut path = Path::new();
    let own = of.run_path().find(|directory| {
        path.set_expanded(directory, origin, name.to_bytes()) && exists(path.as_c())
    });
    match own {
        Some(_) => file_needs_driver(path.as_c(), depth, left),
        None => looked_for(name, core::ptr::null(), depth, left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_at_the_last_slash() {
        assert_eq!(split(b"/a/b"), (&b"/a"[..], &b"b"[..]));
        assert_eq!(split(b"a"), (&b""[..], &b"a"[..]));
        assert_eq!(split(b"$ORIGIN/a"), (&b"$ORIGIN"[..], &b"a"[..]));
    }
}
