//! How the daemon was started: its environment is its server's.
#![forbid(unsafe_code)]

use std::env;
use std::path::Path;

use crate::doctor::check::{Check, Severity};
use crate::mps::SERVER;
use crate::processes::Processes;

const PRELOAD: &str = "the server inherits the daemon's environment, and is no client of anybody's";
const STARTS: &str = "the daemon starts the server when the first client comes, from its own PATH";

pub fn preloaded(processes: &Processes, pid: i32) -> Check {
    let Ok(environment) = processes.environment(pid) else {
        return Check::not_looked_at("mps-env", PRELOAD, "the daemon's environment cannot be read");
    };
    let ours = environment.iter().any(|(name, value)| {
        let library = name == "LD_PRELOAD" && value.to_string_lossy().contains("libcuota");
        library || name == "CUOTA_CLIENT"
    });
    let check = |found| Check::ok("mps-env", PRELOAD, found);
    if ours {
        return check(format!("the daemon (process {pid}) was started as a client of cuota's: with libcuota.so in LD_PRELOAD, or CUOTA_CLIENT"))
            .worse(Severity::Warn, "Stop it and start it again without them, as `cuota mps start` does.");
    }
    check(format!("the daemon (process {pid}) was started without cuota"))
}

pub fn server_on_path(processes: &Processes, pid: i32) -> Check {
    let Ok(path) = processes.variable(pid, "PATH") else {
        return Check::not_looked_at("mps-path", STARTS, "the daemon's environment cannot be read");
    };
    let path = path.unwrap_or_default();
    let seen = |file: &Path| processes.path(pid, file).exists();
    match env::split_paths(&path).map(|folder| folder.join(SERVER)).find(|file| seen(file)) {
        Some(file) => Check::ok("mps-path", STARTS, format!("the daemon finds {}", file.display())),
        None => {
            let found = format!("no {SERVER} on the daemon's PATH ({})", path.display());
            Check::ok("mps-path", STARTS, found)
                .worse(Severity::Error, "Stop the daemon, and start it again with the folder of nvidia-cuda-mps-server in PATH; `cuota mps start` looks for it first.")
        }
    }
}
