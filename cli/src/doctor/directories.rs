//! Where the daemon and the ledgers live: whether their files stay there, and who can reach them.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::path::Path;

use cuota_core::book::{self, What};
use cuota_core::config::Config;
use cuota_core::identity::Directory;
use cuota_core::shm::file;

use super::check::{Check, Severity};
use super::cleaners;
use super::container;
use super::mps::Here;
use crate::places;

const PIPES: &str =
    "the daemon is found by files that it never writes to again: to a cleaner they are old";
const LEDGERS: &str = "a ledger holds what its client may have: nobody else may put another in its place, remove it, or be kept from reading it";

pub fn checks(here: &Here) -> Vec<Check> {
    let root = Path::new("/");
    let (config, _) = Config::parse(&|name| env::var_os(name));
    let directory = places::place_of(&config);
    let mounts = fs::read_to_string("/proc/self/mountinfo");
    let mut checks = vec![ledgers(root, &directory)];
    if here.is_in_play() {
        checks.push(pipes(root, &here.place));
    }
    let inside = places::container();
    checks.extend(inside.map(|name| match &mounts {
        Ok(mounts) => container::check(mounts, &name, here, &directory),
        Err(why) => Check::not_looked_at("container", container::WHY, &why.to_string()),
    }));
    checks
}

fn is_temporary(place: &Path) -> bool {
    ["/tmp", "/var/tmp"].iter().any(|above| place.starts_with(above))
}

fn pipes(root: &Path, place: &Path) -> Check {
    let shown = place.display();
    let check = |found| Check::ok("mps-place", PIPES, found);
    if let Some(cleaner) = cleaners::of(root, place) {
        let advice = format!(
            "Give the daemon a directory below /run, or have this one left alone: a line `x {shown}` in /etc/tmpfiles.d/nvidia-mps.conf."
        );
        return check(format!("{shown} is swept by {cleaner}")).worse(Severity::Warn, advice);
    }
    if is_temporary(place) {
        return check(format!(
            "{shown} is among temporary files; no cleaner is set up here that removes old ones"
        ))
        .worse(Severity::Info, "");
    }
    check(format!("{shown} is not among temporary files"))
}

fn ledgers(root: &Path, directory: &Directory) -> Check {
    let path = &directory.path;
    let shown = path.display();
    let check = |found| Check::ok("places", LEDGERS, found);
    if path.starts_with("/dev/shm") {
        let advice = "Set CUOTA_DIR to another directory, such as one below /run that is mounted where it is needed.";
        return check(format!("ledgers are in {shown}: where NVIDIA's device plugin runs, all pods of a node have the same /dev/shm"))
            .worse(Severity::Warn, advice);
    }
    match book::directory(path, false).map_err(|trouble| (trouble.to_string(), trouble.what)) {
        Err((_, What::Directory(why))) if why.kind() == std::io::ErrorKind::NotFound => {
            return check(format!("ledgers will be in {shown}, which is made for them"))
                .worse(Severity::Info, "");
        }
        Err((found, _)) => {
            let advice = "Make it this user's or root's, with mode 0700 or 0755 (1777 if several users share it), or name another in CUOTA_DIR.";
            return check(found).worse(Severity::Warn, advice);
        }
        Ok(_) if !file::is_writable(path) => {
            let advice = "Let this user write there, or name another directory in CUOTA_DIR.";
            let found = format!("ledgers are in {shown}, where this user may not write");
            return check(found).worse(Severity::Warn, advice);
        }
        Ok(_) => {}
    }
    if let Some(cleaner) = cleaners::of(root, path) {
        let advice = format!(
            "Name a directory below /run in CUOTA_DIR, or have this one left alone: a line `x {shown}` in /etc/tmpfiles.d/cuota.conf."
        );
        return check(format!("ledgers are in {shown}, which is swept by {cleaner}"))
            .worse(Severity::Warn, advice);
    }
    if directory.private {
        let found = format!(
            "ledgers are in {shown}, which is this container's own: nobody outside reads them, and no other container shares them. CUOTA_DIR with a mounted directory makes them seen"
        );
        return check(found).worse(Severity::Info, "");
    }
    check(format!("ledgers are in {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_is_swept_and_what_is_private() {
        let root = Scratch::new().expect("a folder");
        let own = root.path().join("ledgers");
        fs::create_dir(&own).expect("ours");
        let of = |private| ledgers(root.path(), &Directory { path: own.clone(), private });
        assert_eq!(of(false).severity, Severity::Ok);
        assert!(of(true).found.contains("this container's own"));
        assert_eq!(pipes(root.path(), Path::new("/run/nvidia-mps")).severity, Severity::Ok);
        assert_eq!(pipes(root.path(), Path::new("/tmp/nvidia-mps")).severity, Severity::Info);

        let folder = root.path().join("etc/tmpfiles.d");
        fs::create_dir_all(&folder).expect("ours");
        let line = format!("e {} - - - 5d\nd /tmp 1777 root root 10d\n", root.path().display());
        fs::write(folder.join("a.conf"), line).expect("ours");
        assert_eq!(of(false).severity, Severity::Warn);
        assert_eq!(pipes(root.path(), Path::new("/tmp/nvidia-mps")).severity, Severity::Warn);
    }
}
