//! Which file a command means, found as the shell finds it; and this program itself.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Failure, NOT_EXECUTABLE, NOT_FOUND};
use crate::native::system;

/// Where programs are where PATH does not say.
const USUAL: &str = "/bin:/usr/bin";

/// This program, to be started again with nothing of CUDA in its environment.
pub fn itself() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    let concerns = |name: &str| name.starts_with("CUOTA_") || name.starts_with("CUDA_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(concerns)) {
        command.env_remove(name);
    }
    Ok(command)
}

/// The file `command` means: itself if it has a slash, else the first of PATH that may be executed.
pub fn find(command: &OsStr) -> Result<PathBuf, Failure> {
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from(USUAL));
    find_in(command, &path)
}

fn find_in(command: &OsStr, path: &OsStr) -> Result<PathBuf, Failure> {
    let name = command.display();
    if command.as_bytes().contains(&b'/') {
        let file = PathBuf::from(command);
        return match may_execute(&file) {
            Ok(()) => Ok(file),
            Err(refused) => Err(refused.of(&file)),
        };
    }
    let mut refused = None;
    for directory in env::split_paths(path).filter(|_| !command.is_empty()) {
        // An empty part of PATH is the current directory.
        let file = Path::new(".").join(directory).join(command);
        match may_execute(&file) {
            Ok(()) => return Ok(file),
            Err(why @ Refused::Not(_)) => refused = refused.or(Some(why.of(&file))),
            Err(Refused::Absent(_)) => {}
        }
    }
    Err(refused.unwrap_or_else(|| Failure {
        status: NOT_FOUND,
        text: format!("{name}: no such command in PATH"),
    }))
}

enum Refused {
    Absent(String),
    Not(&'static str),
}

impl Refused {
    fn of(self, file: &Path) -> Failure {
        let (status, why) = match self {
            Refused::Absent(why) => (NOT_FOUND, why),
            Refused::Not(why) => (NOT_EXECUTABLE, why.to_owned()),
        };
        Failure { status, text: format!("{}: {why}", file.display()) }
    }
}

fn may_execute(file: &Path) -> Result<(), Refused> {
    match file.metadata() {
        Err(why) if why.kind() == ErrorKind::PermissionDenied => {
            Err(Refused::Not("its directory may not be entered"))
        }
        Err(why) => Err(Refused::Absent(why.to_string())),
        Ok(found) if found.is_dir() => Err(Refused::Not("is a directory, not a program")),
        Ok(_) if !system::may_execute(file) => Err(Refused::Not("is not executable")),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(command: &str, path: &str) -> u8 {
        find_in(OsStr::new(command), OsStr::new(path)).unwrap_err().status
    }

    #[test]
    fn found_in_path_or_by_its_own() {
        let found = find_in(OsStr::new("sh"), OsStr::new("/nowhere:/bin")).unwrap();
        assert!(library_same(&found, "/bin/sh"), "{found:?}");
        assert_eq!(find_in(OsStr::new("/bin/sh"), OsStr::new("")).unwrap(), Path::new("/bin/sh"));
    }

    fn library_same(one: &Path, other: &str) -> bool {
        crate::library::is_same(one, Path::new(other))
    }

    #[test]
    fn statuses_are_those_of_env() {
        assert_eq!(status("no-such-command", "/bin"), 127);
        assert_eq!(status("/bin/no-such-command", "/bin"), 127);
        assert_eq!(status("", "/bin"), 127);
        assert_eq!(status("/etc/passwd", "/bin"), 126);
        assert_eq!(status("passwd", "/etc"), 126);
        assert_eq!(status("/etc", "/bin"), 126);
    }
}
