//! Debian's real MPS daemon, for tests only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Folder;
use super::told::{self, Ends};

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
    let mut all = told::of(pipes);
    all.retain(|(_, words)| words.contains("nvidia-cuda-mps"));
    all
}

/// One of a directory of its own.
pub struct Daemon {
    pub pid: i32,
    pub pipes: PathBuf,
    _ends: Ends,
}

impl Daemon {
    pub fn start(unpacked: &Path, folder: &Folder, name: &str, set: &[(&str, &str)]) -> Daemon {
        let (pipes, log) = (folder.path(name), folder.path(&format!("{name}.log")));
        fs::create_dir(&log).expect("a fresh directory");
        let server = unpacked.join("usr/sbin").display().to_string();
        let ends = Ends(pipes.clone());
        let started = Command::new(unpacked.join("usr/bin/nvidia-cuda-mps-control"))
            .arg("-d")
            .env("PATH", format!("/usr/bin:/bin:{server}"))
            .env("CUDA_MPS_PIPE_DIRECTORY", &pipes)
            .env("CUDA_MPS_LOG_DIRECTORY", &log)
            .envs(set.iter().copied())
            .status();
        assert!(started.expect("it can be run").success());
        // It goes on to write that after it has let its parent go.
        let pid = loop {
            let said = fs::read_to_string(log.join("control.log")).unwrap_or_default();
            let pid = said.split("Control ").nth(1).and_then(|rest| rest.split_once(']'));
            if let Some((pid, _)) = pid {
                break pid.trim().parse().expect("a number");
            }
            std::thread::yield_now();
        };
        Daemon { pid, pipes, _ends: ends }
    }

    /// What a program is told, to find it.
    pub fn named(&self) -> [(&str, &str); 1] {
        [("CUDA_MPS_PIPE_DIRECTORY", self.pipes.to_str().expect("plain"))]
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.pid.to_string()]).status();
        assert!(sent.expect("kill can be run").success());
    }
}
