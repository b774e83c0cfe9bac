//! Where libcuota.so is, and the preload list with it in.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::command::Failure;
use crate::exports;

pub const FILE: &str = "libcuota.so";

/// The library to preload, as an absolute path.
pub fn find() -> Result<PathBuf, Failure> {
    let told = env::var_os("CUOTA_LIB").filter(|told| !told.is_empty());
    let places = match &told {
        // Made absolute: the program may change its directory before it starts others.
        Some(told) => vec![std::path::absolute(told).unwrap_or_else(|_| told.into())],
        None => Vec::from(places(&env::current_exe().map_err(|why| {
            Failure::ours(format!("cannot tell where this command is ({why})\nSet CUOTA_LIB."))
        })?)),
    };
    match places.iter().find(|place| place.is_file()) {
        Some(place) if !is_of_another(place) => Ok(place.clone()),
        Some(place) => Err(Failure::ours(format!(
            "{} is not cuota's library: nothing would be caught\nInstall {FILE} there (`make install`), or set CUOTA_LIB to its path.",
            place.display()
        ))),
        None => Err(Failure::ours(not_found(told.is_some(), &places))),
    }
}

/// Whether a file is a library, but not this one, by the symbol that marks ours.
fn is_of_another(file: &Path) -> bool {
    exports::of(file).is_ok_and(|names| !names.contains("cuota_version"))
}

/// Where the library of this command is: beside it, or where an installed prefix has libraries.
fn places(command: &Path) -> [PathBuf; 2] {
    let beside = command.parent().unwrap_or(Path::new("/"));
    let prefix = beside.parent().unwrap_or(Path::new("/"));
    [beside.join(FILE), prefix.join("lib").join(FILE)]
}

fn not_found(told: bool, places: &[PathBuf]) -> String {
    let listed: String = places.iter().map(|place| format!("\n{}", place.display())).collect();
    if told {
        format!("{FILE} is not where CUOTA_LIB says:{listed}\nCorrect CUOTA_LIB, or unset it.")
    } else {
        format!(
            "{FILE} was not found. Looked for:{listed}\nInstall it there (`make install`), or set CUOTA_LIB to its path."
        )
    }
}

/// `list`, an LD_PRELOAD, with `library` last in it: first it would hide what others stand before.
pub fn appended(list: Option<&OsStr>, library: &Path) -> Result<OsString, Failure> {
    let path = library.as_os_str().as_bytes();
    if path.iter().any(|byte| is_separator(*byte) || *byte == b'$') {
        return Err(Failure::ours(format!(
            "{} cannot be preloaded: LD_PRELOAD takes no path with a space, a colon or a dollar sign in it\nLink or copy the library to another directory and name it in CUOTA_LIB.",
            library.display()
        )));
    }
    let mut bytes = list.unwrap_or_default().as_bytes().to_vec();
    if entries(&bytes).any(|entry| is_same(entry, library)) {
        return Ok(OsString::from_vec(bytes));
    }
    if bytes.last().is_some_and(|byte| !is_separator(*byte)) {
        bytes.push(b':');
    }
    bytes.extend_from_slice(path);
    Ok(OsString::from_vec(bytes))
}

/// Another build of the library in an LD_PRELOAD: both would count, and later limit, every call.
pub fn another_in(list: &OsStr, library: &Path) -> Option<PathBuf> {
    let mut paths = entries(list.as_bytes()).filter(|entry| !is_same(entry, library));
    paths.find(|entry| entry.file_name() == Some(OsStr::new(FILE))).map(Path::to_path_buf)
}

fn entries(list: &[u8]) -> impl Iterator<Item = &Path> {
    let parts = list.split(|byte| is_separator(*byte)).filter(|part| !part.is_empty());
    parts.map(|part| Path::new(OsStr::from_bytes(part)))
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b':')
}

/// One file, whatever it is called.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    one == other || identity(one).is_some_and(|it| Some(it) == identity(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(list: Option<&str>, library: &str) -> String {
        let list = appended(list.map(OsStr::new), Path::new(library)).unwrap();
        list.into_string().unwrap()
    }

    #[test]
    fn beside_the_command_then_in_its_prefix() {
        assert_eq!(
            places(Path::new("/opt/cuota/bin/cuota")),
            [Path::new("/opt/cuota/bin/libcuota.so"), Path::new("/opt/cuota/lib/libcuota.so")]
        );
    }

    #[test]
    fn what_is_there_stays_in_front() {
        assert_eq!(append(None, "/l.so"), "/l.so");
        assert_eq!(append(Some(""), "/l.so"), "/l.so");
        assert_eq!(append(Some("/a.so /b.so"), "/l.so"), "/a.so /b.so:/l.so");
        assert_eq!(append(Some("/a.so:"), "/l.so"), "/a.so:/l.so");
    }

    #[test]
    fn never_twice() {
        assert_eq!(append(Some("/l.so:/a.so"), "/l.so"), "/l.so:/a.so");
        // By another name, too.
        assert_eq!(append(Some("/etc/../etc/passwd"), "/etc/passwd"), "/etc/../etc/passwd");
    }

    #[test]
    fn a_path_the_list_cannot_carry_is_refused() {
        for path in ["/a b/l.so", "/a:b/l.so", "/$ORIGIN/l.so"] {
            assert!(appended(None, Path::new(path)).unwrap_err().text.contains("CUOTA_LIB"));
        }
    }

    #[test]
    fn another_build_is_noticed() {
        let list = OsStr::new("/x.so:/old/libcuota.so");
        let found = another_in(list, Path::new("/new/libcuota.so"));
        assert_eq!(found.as_deref(), Some(Path::new("/old/libcuota.so")));
        assert_eq!(another_in(list, Path::new("/old/libcuota.so")), None);
    }
}
