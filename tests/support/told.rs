//! The processes that were told of an MPS directory: a test's own daemon, its servers, and who talks to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Their pids, and how they were started.
pub fn of(pipes: &Path) -> Vec<(String, String)> {
    let wanted = format!("CUDA_MPS_PIPE_DIRECTORY={}", pipes.display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name| {
            let text = fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned()
        };
        if read("environ").split('\0').any(|it| it == wanted) {
            let pid = entry.file_name().to_string_lossy().into_owned();
            found.push((pid, read("cmdline").replace('\0', " ")));
        }
    }
    found
}

/// Ends them when a test ends, however it does: also those that are started meanwhile, and whatever state they
/// are in.
pub struct Ends(pub PathBuf);

impl Drop for Ends {
    fn drop(&mut self) {
        let end = |pid: &String| {
            let sent = Command::new("kill").args(["-KILL", pid]).stderr(Stdio::null()).status();
            sent.is_ok_and(|sent| sent.success())
        };
        // Each is tried; one that is gone, or is not ours to end, is no reason to look again.
        while of(&self.0).iter().filter(|(pid, _)| end(pid)).count() > 0 {}
    }
}
