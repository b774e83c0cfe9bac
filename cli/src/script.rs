//! What runs a script.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::program;

/// What a script's first line says to run it with, looked through `env`.
pub fn interpreter(script: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(script).ok()?.take(256).read_to_end(&mut head).ok()?;
    let (interpreter, argument) = shebang(&head)?;
    if interpreter.file_name() != Some(OsStr::new("env")) {
        return Some(interpreter);
    }
    // `-S` splits; other options and assignments stand before the program's name.
    let words = argument.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let mut words = words.map(|word| word.strip_prefix(b"-S").unwrap_or(word));
    let name =
        words.find(|word| !(word.is_empty() || word.starts_with(b"-") || word.contains(&b'=')));
    name.and_then(|name| program::find(OsStr::from_bytes(name)).ok()).or(Some(interpreter))
}

/// A script's interpreter and its argument.
fn shebang(head: &[u8]) -> Option<(PathBuf, OsString)> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (interpreter, argument) = line.split_at(end);
    let text = |bytes| OsStr::from_bytes(bytes);
    (!interpreter.is_empty())
        .then(|| (text(interpreter).into(), text(argument.trim_ascii()).into()))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        for first in
            ["#!/bin/sh", "#!/usr/bin/env sh", "#!/usr/bin/env -S A=1 sh -e", "#!/usr/bin/env -Ssh"]
        {
            fs::write(&script, format!("{first}\nexit 0\n")).unwrap();
            let found = interpreter(&script).and_then(|found| fs::canonicalize(found).ok());
            assert_eq!(found.as_ref(), Some(&sh), "{first}");
        }
        fs::write(&script, "exit 0\n").unwrap();
        assert_eq!(interpreter(&script), None);
    }
}
