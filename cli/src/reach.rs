//! Whether a preloaded library reaches a program at all.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::image::{self, Image};
use crate::native::system;
use crate::script;

/// Interpreters of interpreters the kernel goes through before it refuses.
const DEEPEST: usize = 5;

/// Why a preload has no effect in a program.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    Static,
    /// Its loader is not glibc's. To such a loader our library would be an error.
    Loader(PathBuf),
    Machine {
        program: String,
        library: String,
    },
    /// It runs with more rights than its caller; the loader then ignores the preload.
    Privileged(&'static str),
}

impl Obstacle {
    /// What it is, and what it means for the program.
    pub fn explain(&self) -> String {
        match self {
            Obstacle::Static => "is statically linked: no loader runs in it that could preload cuota. What it does on the GPU is not seen. Programs it starts are, if they are dynamic.".into(),
            Obstacle::Loader(path) => format!(
                "runs under {}, which is not glibc's loader and cannot load cuota, so it is started without. Neither it nor what it starts is seen. Use a glibc build of it.",
                path.display()
            ),
            Obstacle::Machine { program, library } => format!(
                "is a program for {program}, and this cuota is for {library}: the loader passes over it, with a message of its own. What it does on the GPU is not seen."
            ),
            Obstacle::Privileged(how) => format!(
                "{how}: for such a program the loader ignores, and removes, LD_PRELOAD. Neither it nor what it starts is seen. Put `cuota run` after it, on the command it starts."
            ),
        }
    }

    /// Whether the preload would keep the program from starting.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Obstacle::Loader(_))
    }
}

/// The file that is really run for `program` (a script's interpreter), and why the preload of a
/// library for `machine` has no effect in it. What cannot be read is given the benefit of the doubt.
pub fn obstacle(program: &Path, library: &Image) -> Option<(PathBuf, Obstacle)> {
    let mut file = program.to_path_buf();
    for _ in 0..DEEPEST {
        match script::interpreter(&file) {
            Some(next) => file = next,
            None => break,
        }
    }
    let image = image::read(&file).ok()?;
    let obstacle = if let Some(how) = privileged(&file) {
        Obstacle::Privileged(how)
    } else if image.machine != library.machine {
        Obstacle::Machine { program: image.machine, library: library.machine.clone() }
    } else {
        match image.loader {
            Some(loader) if is_glibc(&loader) => return None,
            Some(loader) => Obstacle::Loader(loader),
            None if is_glibc(&file) => return None,
            None => Obstacle::Static,
        }
    };
    Some((file, obstacle))
}

/// glibc's loader, by the names its ports give it.
fn is_glibc(loader: &Path) -> bool {
    let name = loader.file_name().unwrap_or_default().as_bytes();
    [&b"ld-linux"[..], b"ld64.so", b"ld.so", b"ld-2."].iter().any(|known| name.starts_with(known))
}

/// How the file gives rights its caller has not, if it does.
fn privileged(file: &Path) -> Option<&'static str> {
    const SETUID: u32 = 0o4000;
    const SETGID: u32 = 0o2010;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if status.lines().any(|line| line == "NoNewPrivs:\t1") {
        return None; // the kernel grants nothing here
    }
    let found = file.metadata().ok()?;
    let mode = found.permissions().mode();
    let (user, group) = system::user_and_group();
    if mode & SETUID != 0 && found.uid() != user {
        Some("is set-user-ID")
    } else if mode & SETGID == SETGID && found.gid() != group {
        Some("is set-group-ID")
    } else if user != 0 && system::has_capabilities(file) {
        Some("has file capabilities")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_can_be_reached_and_another_machines_cannot() {
        let us = std::env::current_exe().unwrap();
        assert_eq!(obstacle(&us, &image::read(&us).unwrap()), None);
        let elsewhere = Image { machine: "s390x".into(), loader: None };
        let (file, why) = obstacle(&us, &elsewhere).unwrap();
        assert!(file == us && matches!(why, Obstacle::Machine { .. }));
    }

    #[test]
    fn whose_loader() {
        for yes in
            ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/nix/ld-linux.so.2"]
        {
            assert!(is_glibc(Path::new(yes)), "{yes}");
        }
        for no in ["/lib/ld-musl-x86_64.so.1", "/system/bin/linker64", ""] {
            assert!(!is_glibc(Path::new(no)), "{no}");
        }
    }
}
