//! The metrics as a file, whole at every moment.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process;

use crate::command::Failure;

/// Puts `text` into the file at `path`: whoever reads it meanwhile has the old one.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let unusable =
        |why: io::Error| Failure::ours(format!("cannot write {}: {why}", path.display()));
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

fn fill(draft: &Path, text: &str) -> io::Result<()> {
    // Of an earlier process of this number, which was killed.
    let _ = fs::remove_file(draft);
    File::create_new(draft)?.write_all(text.as_bytes())
}
