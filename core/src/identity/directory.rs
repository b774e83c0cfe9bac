//! Where ledgers live.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// The one place on a machine that whoever reads ledgers looks into.
const SHARED: &str = "/run/cuota";

#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// `CUOTA_DIR`.
    pub explicit: Option<&'a Path>,
    /// `/run/cuota` is there and this process may write to it.
    pub shared_is_writable: bool,
    /// `XDG_RUNTIME_DIR`.
    pub runtime: Option<&'a Path>,
    pub uid: u32,
    pub in_container: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    pub path: PathBuf,
    /// Nobody outside this container sees it, nor do a pod's other containers.
    pub private: bool,
}

/// Where ledgers are to be looked for where nothing says where they are: every place that `directory`
/// chooses by itself.
pub fn usual_directories(runtime: Option<&Path>, uid: u32) -> Vec<PathBuf> {
    let runtime = runtime.and_then(of_runtime);
    [Some(PathBuf::from(SHARED)), runtime, Some(of_user(uid))].into_iter().flatten().collect()
}

/// A relative path would be another directory in every process.
fn of_runtime(runtime: &Path) -> Option<PathBuf> {
    runtime.is_absolute().then(|| runtime.join("cuota"))
}

fn of_user(uid: u32) -> PathBuf {
    PathBuf::from(format!("/tmp/cuota-{uid}"))
}

/// A directory that was named, or that somebody put there, is taken to be shared; what a container
/// has of its own is not. `/dev/shm` is never chosen: NVIDIA's device plugin mounts one and the same
/// into every pod of a node.
pub fn directory(candidates: &Candidates) -> Directory {
    let Candidates { explicit, shared_is_writable, runtime, uid, in_container } = *candidates;
    let shared = shared_is_writable.then_some(Path::new(SHARED));
    if let Some(path) = explicit.or(shared) {
        return Directory { path: path.to_owned(), private: false };
    }
    let path = runtime.and_then(of_runtime).unwrap_or_else(|| of_user(uid));
    Directory { path, private: in_container }
}
