//! The metrics as a file, whole at every moment.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::process;

use crate::command::Failure;

/// As [`write()`], where somebody else named the path: what is in the way there is not ours to replace.
pub fn publish(path: &Path, text: &str) -> Result<(), Failure> {
    check(path)?;
    write(path, text)
}

/// Puts `text` into the file at `path`, whatever was there: whoever reads it meanwhile has the old one.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let unusable = |why: io::Error| failed(path, &why.to_string());
    let name = path.file_name().ok_or_else(|| unusable(io::ErrorKind::InvalidInput.into()))?;
    // Of another ending: node_exporter reads every *.prom there is.
    let draft = format!(".{}.{}.draft", name.to_string_lossy(), process::id());
    let draft = path.with_file_name(draft);
    let written = fill(&draft, text).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written.map_err(unusable)
}

/// Whether a file may take that name: what has it is replaced, which only a plain file can be without
/// harm to whoever reads or needs the rest.
pub fn check(path: &Path) -> Result<(), Failure> {
    let found = match fs::symlink_metadata(path) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|why| failed(path, &why.to_string()))?.file_type(),
    };
    let instead = "give a plain file, or a name that is not taken";
    let why = match found {
        it if it.is_file() => return Ok(()),
        it if it.is_symlink() => return Err(failed(path, &of_link(path))),
        it if it.is_dir() => "it is a directory",
        it if it.is_fifo() => "it is a pipe",
        it if it.is_socket() => "it is a socket",
        _ => "it is a device",
    };
    Err(failed(path, &format!("{why}; {instead}")))
}

/// What it leads to would stay as it is.
fn of_link(path: &Path) -> String {
    let plain = fs::canonicalize(path).ok().filter(|to| to.is_file());
    let instead = plain.map_or("a plain file".to_owned(), |to| to.display().to_string());
    format!("it is a symbolic link, which would be replaced; give {instead}")
}

fn failed(path: &Path, why: &str) -> Failure {
    Failure::ours(format!("cannot write {}: {why}", path.display()))
}

fn fill(draft: &Path, text: &str) -> io::Result<()> {
    // Of an earlier process of this number, which was killed.
    let _ = fs::remove_file(draft);
    File::create_new(draft)?.write_all(text.as_bytes())
}
