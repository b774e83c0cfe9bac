//! Pieces of the real thing that run without a GPU: unpacked for the tests, never shipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::root;

/// Where `tests/fetch-real` has unpacked Debian's non-free packages; none (and a line saying so) if
/// they could not be had.
fn unpacked() -> Option<PathBuf> {
    let place = root().join("target/real");
    let _ = Command::new("bash").arg(root().join("tests/fetch-real")).arg(&place).status();
    place.join("complete").exists().then_some(place)
}

fn having(what: &str, path: &str) -> Option<PathBuf> {
    let found = unpacked().map(|place| place.join(path)).filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: Debian's {what} could not be had");
    }
    found
}

/// The directory of the real driver library.
pub fn libcuda() -> Option<PathBuf> {
    let file = having("libcuda1", "usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1")?;
    file.parent().map(Path::to_path_buf)
}

/// The real MPS server.
pub fn mps_server() -> Option<PathBuf> {
    having("nvidia-cuda-mps", "usr/sbin/nvidia-cuda-mps-server")
}

/// The real MPS control daemon.
pub fn mps_control() -> Option<PathBuf> {
    having("nvidia-cuda-mps", "usr/bin/nvidia-cuda-mps-control")
}
