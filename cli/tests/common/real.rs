//! Debian's real MPS daemon, for tests only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the package was unpacked, if it could be had.
pub fn unpacked() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let place = root.join("target/real");
    let _ = Command::new("bash").arg(root.join("tests/fetch-real")).arg(&place).status();
    let there = place.join("usr/bin/nvidia-cuda-mps-control").exists();
    if !there {
        eprintln!("skipped: Debian's nvidia-cuda-mps could not be had");
    }
    there.then(|| place.canonicalize().expect("it is there"))
}

/// NVIDIA's processes that were told of a directory: their pids, and how they were started.
pub fn of_directory(pipes: &Path) -> Vec<(String, String)> {
    let wanted = format!("CUDA_MPS_PIPE_DIRECTORY={}", pipes.display());
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name| {
            let text = fs::read(entry.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned()
        };
        let words = read("cmdline").replace('\0', " ");
        if words.contains("nvidia-cuda-mps") && read("environ").split('\0').any(|it| it == wanted) {
            found.push((entry.file_name().to_string_lossy().into_owned(), words));
        }
    }
    found
}

/// Ends the daemon of a directory and its servers, whatever state they are in.
pub fn end(pipes: &Path) {
    for (pid, _) in of_directory(pipes) {
        let _ = Command::new("kill").args(["-KILL", &pid]).stderr(Stdio::null()).status();
    }
}
