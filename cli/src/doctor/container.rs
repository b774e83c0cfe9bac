//! What a container has to be given from outside: the daemon's directory, and the ledgers'.
#![forbid(unsafe_code)]

use std::path::Path;

use cuota_core::identity::Directory;

use super::check::{Check, Severity};
use super::mps::Here;

pub const WHY: &str = "a directory that is not mounted into the container is the container's own: the daemon outside is not in it";

/// Where the device plugin mounts a daemon's directory.
const PLUGIN: &str = "/mps/";

pub fn check(mountinfo: &str, name: &str, here: &Here, ledgers: &Directory) -> Check {
    let pipes = here.named.then_some(here.place.as_path());
    of(mountinfo, name, pipes, &ledgers.path)
}

fn of(mountinfo: &str, name: &str, pipes: Option<&Path>, ledgers: &Path) -> Check {
    let check = |found| Check::ok("container", WHY, found);
    if let Some(pipes) = pipes.filter(|pipes| !is_mounted(mountinfo, pipes)) {
        let found = format!(
            "this is a container ({name}), and CUDA_MPS_PIPE_DIRECTORY={} is no mount in it",
            pipes.display()
        );
        let advice = "Mount the daemon's directory there from the host, and the host's /dev/shm; or, to run without MPS, unset the variable and see that no daemon is found in /tmp/nvidia-mps, where the driver then looks.";
        return check(found).worse(Severity::Warn, advice);
    }
    let mut found = format!("this is a container ({name})");
    if let Some(pipes) = pipes {
        found += &format!("; the daemon's directory {} is mounted", pipes.display());
    }
    let seen = if is_mounted(mountinfo, ledgers) { "mounted" } else { "the container's own" };
    found += &format!("; the ledgers' directory {} is {seen}", ledgers.display());
    if pipes.is_some_and(|pipes| pipes.starts_with(PLUGIN))
        && is_mounted(mountinfo, Path::new("/dev/shm"))
    {
        found += "; NVIDIA's device plugin seems to have set this up, and its /dev/shm is all its pods': never put CUOTA_DIR there";
        return check(found).worse(Severity::Info, "");
    }
    check(found)
}

/// Whether a directory is a mount, or is in one, other than the root.
fn is_mounted(mountinfo: &str, place: &Path) -> bool {
    let points = mountinfo.lines().filter_map(|line| line.split(' ').nth(4));
    points.filter(|point| *point != "/").any(|point| place.starts_with(point))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
1 0 0:1 / / rw - overlay overlay rw
2 1 0:2 / /dev/shm rw - tmpfs shm rw
3 1 8:1 /pipe /mps/nvidia.com/gpu/pipe rw - ext4 /dev/sda1 rw
4 1 8:1 /cuota /run/cuota rw - ext4 /dev/sda1 rw
";

    #[track_caller]
    fn is(pipes: Option<&str>, ledgers: &str, severity: Severity, words: &str) {
        let check = of(MOUNTS, "ctr-1", pipes.map(Path::new), Path::new(ledgers));
        assert!(check.severity == severity && check.found.contains(words), "{check:?}");
    }

    #[test]
    fn what_is_named_is_mounted() {
        is(Some("/tmp/nvidia-mps"), "/run/cuota", Severity::Warn, "is no mount");
        is(Some("/mps/nvidia.com/gpu/pipe"), "/run/cuota", Severity::Info, "never put CUOTA_DIR");
        is(None, "/run/cuota", Severity::Ok, "is mounted");
        is(None, "/tmp/cuota-0", Severity::Ok, "the container's own");
    }
}
