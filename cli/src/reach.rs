//! Whether a preloaded library reaches a program at all.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, FileKind, ReadCache, ReadRef};

use crate::native::system;
use crate::program;

/// Interpreters of interpreters the kernel goes through before it refuses.
const DEEPEST: usize = 5;

/// Why a preload has no effect in a program.
#[derive(Debug, PartialEq, Eq)]
pub enum Obstacle {
    Static,
    /// Its loader is not glibc's. To such a loader our library would be an error.
    Loader(PathBuf),
    Machine { program: String, library: String },
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

/// What an ELF file says of how it is run.
pub struct Image {
    machine: String,
    loader: Option<PathBuf>,
}

/// The file that is really run for `program` (a script's interpreter), and why the preload of a
/// library for `machine` has no effect in it. What cannot be read is given the benefit of the doubt.
pub fn obstacle(program: &Path, library: &Image) -> Option<(PathBuf, Obstacle)> {
    let mut file = program.to_path_buf();
    for _ in 0..DEEPEST {
        match interpreter(&file) {
            Some(next) => file = next,
            None => break,
        }
    }
    let image = image(&file).ok()?;
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

/// Reads what an ELF file says of itself.
pub fn image(path: &Path) -> Result<Image, String> {
    let file = File::open(path).map_err(|why| why.to_string())?;
    let cache = ReadCache::new(file);
    let read = match FileKind::parse(&cache) {
        Ok(FileKind::Elf64) => read::<FileHeader64<Endianness>, _>(&cache),
        Ok(FileKind::Elf32) => read::<FileHeader32<Endianness>, _>(&cache),
        _ => return Err("is not an ELF file".into()),
    };
    read.map_err(|why| why.to_string())
}

fn read<'a, H, R>(data: R) -> object::Result<Image>
where
    H: FileHeader<Endian = Endianness>,
    R: ReadRef<'a>,
{
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, data)?;
    let loader = segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
    let bits = if header.is_class_64() { 64 } else { 32 };
    let machine = match (header.e_machine(endian), bits) {
        (elf::EM_X86_64, 64) => "x86-64".into(),
        (elf::EM_X86_64, _) => "x32".into(),
        (elf::EM_386, _) => "32-bit x86".into(),
        (elf::EM_AARCH64, 64) => "aarch64".into(),
        (elf::EM_ARM, _) => "32-bit ARM".into(),
        (other, bits) => format!("{bits}-bit ELF machine {other}"),
    };
    Ok(Image { machine, loader: loader.map(|path| PathBuf::from(OsStr::from_bytes(path))) })
}

/// What a script's first line says to run it with, looked through `env`.
fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(script).ok()?.take(256).read_to_end(&mut head).ok()?;
    let (interpreter, argument) = shebang(&head)?;
    if interpreter.file_name() != Some(OsStr::new("env")) {
        return Some(interpreter);
    }
    // `-S` splits; other options and assignments stand before the program's name.
    let words = argument.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut words = words.map(|word| word.strip_prefix(b"-S").unwrap_or(word));
    let name = words.find(|word| !(word.is_empty() || word.starts_with(b"-") || word.contains(&b'=')));
    name.and_then(|name| program::find(OsStr::from_bytes(name)).ok()).or(Some(interpreter))
}

/// A script's interpreter and its argument.
fn shebang(head: &[u8]) -> Option<(PathBuf, OsString)> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (interpreter, argument) = line.split_at(end);
    let text = |bytes| OsStr::from_bytes(bytes);
    (!interpreter.is_empty()).then(|| (text(interpreter).into(), text(argument.trim_ascii()).into()))
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
    use crate::scratch::Scratch;

    fn line(text: &str) -> Option<(String, String)> {
        let (interpreter, argument) = shebang(text.as_bytes())?;
        Some((interpreter.into_os_string().into_string().unwrap(), argument.into_string().unwrap()))
    }

    #[test]
    fn first_lines() {
        assert_eq!(line("#!/bin/sh\nexit"), Some(("/bin/sh".into(), "".into())));
        assert_eq!(line("#! /bin/a  -b c \n"), Some(("/bin/a".into(), "-b c".into())));
        assert_eq!((line("#!\n"), line("\x7fELF"), line("")), (None, None, None));
    }

    #[test]
    fn a_script_is_looked_through_to_its_interpreter() {
        let scratch = Scratch::new().unwrap();
        let script = scratch.path().join("script");
        let sh = fs::canonicalize("/bin/sh").unwrap();
        for first in ["#!/bin/sh", "#!/usr/bin/env sh", "#!/usr/bin/env -S A=1 sh -e", "#!/usr/bin/env -Ssh"] {
            fs::write(&script, format!("{first}\nexit 0\n")).unwrap();
            let found = interpreter(&script).and_then(|found| fs::canonicalize(found).ok());
            assert_eq!(found.as_ref(), Some(&sh), "{first}");
        }
        fs::write(&script, "exit 0\n").unwrap();
        assert_eq!(interpreter(&script), None);
    }

    #[test]
    fn this_very_program_can_be_reached_and_another_machines_cannot() {
        let us = std::env::current_exe().unwrap();
        assert_eq!(obstacle(&us, &image(&us).unwrap()), None);
        let elsewhere = Image { machine: "s390x".into(), loader: None };
        let (file, why) = obstacle(&us, &elsewhere).unwrap();
        assert!(file == us && matches!(why, Obstacle::Machine { .. }));
    }

    #[test]
    fn whose_loader() {
        for yes in ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/nix/ld-linux.so.2"] {
            assert!(is_glibc(Path::new(yes)), "{yes}");
        }
        for no in ["/lib/ld-musl-x86_64.so.1", "/system/bin/linker64", ""] {
            assert!(!is_glibc(Path::new(no)), "{no}");
        }
    }
}
