//! Whether the kernel limits device memory itself, by cgroup: then there are two limits.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::ask::Answers;
use super::check::{Check, Severity};

const WHY: &str = "where a cgroup limits device memory, the driver refuses what goes beyond it, whatever the quota is";

/// The first CUDA whose driver takes a limit from a cgroup.
const SINCE: u32 = 13040;

pub fn check(told: &Answers) -> Check {
    match told.version {
        None => Check::not_looked_at("dmem", WHY, "needs a driver"),
        Some(version) if version < SINCE => {
            let found =
                "this driver takes no limit from a cgroup: those of CUDA 13.4 are the first";
            Check::ok("dmem", WHY, found.to_owned())
        }
        Some(_) => {
            let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}"));
            match (text("cgroup"), text("mountinfo")) {
                (Ok(cgroup), Ok(mountinfo)) => of(&cgroup, &mountinfo),
                _ => Check::not_looked_at("dmem", WHY, "/proc/self cannot be read"),
            }
        }
    }
}

fn of(cgroup: &str, mountinfo: &str) -> Check {
    let Some(folders) = folders(cgroup, mountinfo) else {
        return Check::not_looked_at("dmem", WHY, "this process's cgroup (v2) is not mounted here");
    };
    let mut limits = Vec::new();
    for folder in &folders {
        match limits_in(folder) {
            Ok(found) => limits.extend(found),
            Err(why) => {
                let reason = format!("{}: {why}", folder.join("dmem.max").display());
                return Check::not_looked_at("dmem", WHY, &reason);
            }
        }
    }
    let check = |found| Check::ok("dmem", WHY, found);
    if !limits.is_empty() {
        let found = format!(
            "the kernel limits this cgroup too, to {}: where CUOTA_VRAM is set both hold, and the tighter one decides. If that limit is to be the only one, leave CUOTA_VRAM out: cuota then counts what is used and refuses nothing",
            limits.join(", ")
        );
        return check(found).worse(Severity::Info, "");
    }
    // The first of all has no type; where a cgroup namespace hides it, the last one seen has.
    let all_seen = folders.last().is_some_and(|last| !last.join("cgroup.type").exists());
    if all_seen {
        return check("no cgroup of this process limits device memory".to_owned());
    }
    let found = "no cgroup that is seen from here limits device memory; those around this container are not seen";
    check(found.to_owned()).worse(Severity::Info, "")
}

/// The process's cgroup, and those it is in, as far as they are mounted here.
fn folders(cgroup: &str, mountinfo: &str) -> Option<Vec<PathBuf>> {
    let path = Path::new(cgroup.lines().find_map(|line| line.strip_prefix("0::"))?);
    let (root, point) = mountinfo.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        system.starts_with("cgroup2 ").then_some((fields.next()?, fields.next()?))
    })?;
    let within = path.strip_prefix(root).ok()?;
    // One outside the namespace is shown as above it.
    if within.components().any(|part| part.as_os_str() == "..") {
        return None;
    }
    let own = Path::new(point).join(within);
    let folders = own.ancestors().take(within.components().count() + 1);
    own.is_dir().then(|| folders.map(Path::to_path_buf).collect())
}

/// Of a cgroup: a line for each region of memory, whose limit may be `max`. No such file, no limit.
fn limits_in(folder: &Path) -> io::Result<Vec<String>> {
    let text = match fs::read_to_string(folder.join("dmem.max")) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text?,
    };
    let limit = |line: &str| {
        let (region, limit) = line.trim().rsplit_once(' ')?;
        (limit != "max").then(|| format!("{limit} bytes of {region}"))
    };
    Ok(text.lines().filter_map(limit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    struct Tree(Scratch);

    impl Tree {
        fn new() -> Tree {
            let tree = Tree(Scratch::new().expect("a folder"));
            fs::create_dir_all(tree.0.path().join("pod/ctr")).expect("ours");
            tree
        }

        fn with(self, file: &str, text: &str) -> Tree {
            fs::write(self.0.path().join(file), text).expect("ours");
            self
        }

        fn check(&self, root: &str, cgroup: &str) -> Check {
            let point = self.0.path().display();
            let mounts = format!(
                "1 1 0:1 / /proc rw - proc proc rw\n2 1 0:2 {root} {point} rw,nosuid shared:4 - cgroup2 cgroup rw\n"
            );
            of(&format!("1:cpu:/\n0::{cgroup}\n"), &mounts)
        }
    }

    #[test]
    fn a_limit_of_the_kernels_is_told_wherever_it_stands() {
        const CARD: &str = "nvidia/0000:01:00.0/vidmem";
        let none = Tree::new().with("pod/ctr/dmem.max", &format!("{CARD} max\n"));
        assert_eq!(none.check("/", "/pod/ctr").severity, Severity::Ok);
        for (file, cgroup, root) in [
            ("pod/ctr/dmem.max", "/pod/ctr", "/"),
            ("pod/dmem.max", "/pod/ctr", "/"),
            ("pod/dmem.max", "/a/b/pod/ctr", "/a/b"),
        ] {
            let tree = Tree::new().with(file, &format!("other max\n{CARD} 1073741824\n"));
            let check = tree.check(root, cgroup);
            assert_eq!(check.severity, Severity::Info, "{check:?}");
            assert!(check.found.contains(&format!("1073741824 bytes of {CARD}")), "{check:?}");
        }
        // Of a cgroup that this process is not in.
        let other = Tree::new().with("pod/ctr/dmem.max", &format!("{CARD} 5\n"));
        assert_eq!(other.check("/", "/pod").severity, Severity::Ok);
    }

    #[test]
    fn what_is_not_seen_is_not_well() {
        let hidden = Tree::new().with("cgroup.type", "domain\n");
        let check = hidden.check("/", "/pod/ctr");
        assert!(check.severity == Severity::Info && check.found.contains("not seen"), "{check:?}");
        let tree = Tree::new();
        for cgroup in ["/gone", "/../other", "/elsewhere"] {
            assert_eq!(tree.check("/", cgroup).severity, Severity::Unknown, "{cgroup}");
        }
        assert_eq!(of("1:cpu:/\n", "").severity, Severity::Unknown);
        fs::create_dir(tree.0.path().join("pod/dmem.max")).expect("ours");
        assert_eq!(tree.check("/", "/pod").severity, Severity::Unknown, "cannot be read");
    }
}
