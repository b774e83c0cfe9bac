//! The directories ledgers are in.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cuota_core::config::{Complaint, Config};
use cuota_core::identity::{self, Candidates, Directory, Origin, Sources};
use cuota_core::shm::file;

use crate::command::Failure;
use crate::screen;

/// Where to look for ledgers: in the directory that was named, else in CUOTA_DIR, else in all the
/// places the library chooses from, as far as they exist.
pub struct Places {
    pub directories: Vec<PathBuf>,
    /// Somebody named it, and expects it to be there.
    pub named: bool,
}

impl Places {
    pub fn of(dir: Option<&Path>) -> Result<Places, Failure> {
        let named = match dir {
            Some(dir) => Some(absolute("--dir", dir)?),
            None => from_environment()?,
        };
        if let Some(directory) = named {
            return Ok(Places { directories: vec![directory], named: true });
        }
        let runtime = runtime();
        let usual =
            identity::usual_directories(runtime.as_deref().map(Path::new), file::effective_user());
        let directories = usual.into_iter().filter(|path| path.symlink_metadata().is_ok());
        Ok(Places { directories: directories.collect(), named: false })
    }

    /// All of them, for a sentence.
    pub fn text(&self) -> String {
        match &self.directories[..] {
            [] => "any of the usual places (name one with --dir)".to_owned(),
            all => all
                .iter()
                .map(|path| screen::plain(&path.to_string_lossy()))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// The client that everything in this pod or container is, if we are in one.
pub fn container() -> Option<String> {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let (cgroup, mountinfo) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
    let sources = Sources { cgroup: &cgroup, mountinfo: &mountinfo, ..Sources::default() };
    let name = identity::client_name(&sources);
    matches!(name.from, Origin::Pod | Origin::Container).then_some(name.text)
}

fn runtime() -> Option<OsString> {
    env::var_os("XDG_RUNTIME_DIR")
}

fn from_environment() -> Result<Option<PathBuf>, Failure> {
    let dir = |name: &str| env::var_os(name).filter(|_| name == "CUOTA_DIR");
    let (config, complaints) = Config::parse(&dir);
    match complaints.first().map(Complaint::objection) {
        Some(objection) => Err(Failure::ours(objection)),
        None => Ok(config.dir),
    }
}

/// A directory as every process will find it, wherever it goes.
pub fn absolute(option: &str, path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|why| Failure::ours(format!("{option} {}: {why}", path.display())))
}

/// Where the library would have the ledger of a program with these settings.
pub fn chosen(config: &Config) -> PathBuf {
    place_of(config).path
}

/// The same, and whether that is a container's own.
pub fn place_of(config: &Config) -> Directory {
    let runtime = runtime();
    identity::directory(&Candidates {
        explicit: config.dir.as_deref(),
        shared_is_writable: file::is_writable(Path::new("/run/cuota")),
        runtime: runtime.as_deref().map(Path::new),
        uid: file::effective_user(),
        in_container: container().is_some(),
    })
}
