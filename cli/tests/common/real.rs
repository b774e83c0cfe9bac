//! Debian's real MPS daemon, for tests only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Ends the daemon of a directory, whatever state it is in.
pub fn end(pipes: &Path) {
    let wanted = format!("CUDA_MPS_PIPE_DIRECTORY={}", pipes.display());
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let read = |name| fs::read(entry.path().join(name)).unwrap_or_default();
        let is_daemon = read("cmdline").windows(15).any(|part| part == b"nvidia-cuda-mps");
        let of_place = read("environ").split(|byte| *byte == 0).any(|it| it == wanted.as_bytes());
        if is_daemon && of_place {
            let pid = entry.file_name();
            let _ = Command::new("kill").arg("-KILL").arg(pid).status();
        }
    }
}
