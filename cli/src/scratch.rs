//! A directory of our own for as long as it is needed.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{env, process};

use crate::command::Failure;

/// A fresh directory that nobody else may enter, removed with all that is in it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Result<Scratch, Failure> {
        let parent = std::path::absolute(env::temp_dir()).unwrap_or_else(|_| "/tmp".into());
        for attempt in 0..100 {
            let path = parent.join(format!("cuota-{}-{attempt}", process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Scratch(path)),
                // Somebody else's, or left by a process of that number: never used.
                Err(why) if why.kind() == ErrorKind::AlreadyExists => {}
                Err(why) => {
                    let path = parent.display();
                    return Err(Failure::ours(format!("cannot make a directory in {path}: {why}")));
                }
            }
        }
        Err(Failure::ours(format!("{} is full of our directories", parent.display())))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_with_all_that_is_in_it() {
        let (one, other) = (Scratch::new().unwrap(), Scratch::new().unwrap());
        assert_ne!(one.path(), other.path());
        let file = one.path().join("file");
        fs::write(&file, "x").unwrap();
        drop(one);
        assert!(!file.exists() && other.path().is_dir());
    }
}
