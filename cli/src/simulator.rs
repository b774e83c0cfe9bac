//! The simulated driver, for commands that need no GPU.
#![forbid(unsafe_code)]

use std::env;
use std::path::PathBuf;

use crate::command::Failure;

/// The one that was named, else the one beside this command.
pub fn find(told: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let beside = || env::current_exe().ok()?.parent().map(|it| it.join("sim/libcuda.so.1"));
    let path = told.or_else(beside).unwrap_or_default();
    let path = std::path::absolute(&path).unwrap_or(path);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::ours(format!(
        "the simulated driver is not there:\n{}\nBuild it (`make build`) and run this from the build, or name it with --sim.",
        path.display()
    )))
}
