//! Whether something on this machine removes old files from a directory: by its age, as `systemd-tmpfiles`
//! does, or as tmpreaper and tmpwatch do.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Of files of one name the first one's counts.
const FOLDERS: [&str; 3] = ["etc/tmpfiles.d", "run/tmpfiles.d", "usr/lib/tmpfiles.d"];
const REAPER: &str = "etc/tmpreaper.conf";
const WATCH: &str = "etc/cron.daily/tmpwatch";

/// What removes old files below `place`, on a machine whose root is there.
pub fn of(root: &Path, place: &Path) -> Option<String> {
    by_age(root, place).or_else(|| {
        let temporary = ["/tmp", "/var/tmp"].iter().any(|above| place.starts_with(above));
        let reaper = fs::read_to_string(root.join(REAPER)).ok().filter(|_| temporary);
        // It does nothing before its warning is taken out.
        if reaper.is_some_and(|text| !text.lines().any(|line| line.trim() == "SHOWWARNING=true")) {
            return Some(format!("tmpreaper (/{REAPER})"));
        }
        (temporary && root.join(WATCH).exists()).then(|| format!("tmpwatch (/{WATCH})"))
    })
}

/// Of all lines about the directory or one above it, the nearest decides.
fn by_age(root: &Path, place: &Path) -> Option<String> {
    let mut nearest: Option<(usize, Option<String>)> = None;
    for (file, text) in files(root) {
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(kind), Some(path)) = (words.next(), words.next()) else { continue };
            // Mode, user, group, and then the age.
            let age = words.nth(3).filter(|age| *age != "-");
            let Some(depth) = depth(path, place) else { continue };
            let decides = match kind.chars().next() {
                Some('x') => None,
                Some('d' | 'D' | 'e' | 'v' | 'q' | 'Q') => {
                    age.map(|age| format!("systemd-tmpfiles, after {age} ({})", file.display()))
                }
                _ => continue,
            };
            // Who leaves it alone goes before who cleans it.
            let is_nearer = nearest.as_ref().is_none_or(|(known, said)| {
                depth > *known || depth == *known && said.is_some() && kind.starts_with('x')
            });
            if is_nearer {
                nearest = Some((depth, decides));
            }
        }
    }
    nearest.and_then(|(_, said)| said)
}

/// Each file, and what it says; one that is masked by a link to /dev/null says nothing.
fn files(root: &Path) -> Vec<(PathBuf, String)> {
    let mut found = BTreeMap::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if Path::new(&name).extension().is_some_and(|kind| kind == "conf") {
                let file = Path::new("/").join(folder).join(&name);
                found.entry(name).or_insert((file, entry.path()));
            }
        }
    }
    let read = |(file, path): (PathBuf, PathBuf)| Some((file, fs::read_to_string(path).ok()?));
    found.into_values().filter_map(read).collect()
}

/// How far down the directory is that a pattern means, if the place is in it or is it.
fn depth(pattern: &str, place: &Path) -> Option<usize> {
    let pattern: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let place: Vec<&str> = place.to_str()?.split('/').filter(|part| !part.is_empty()).collect();
    let mut pairs = pattern.iter().zip(&place);
    let within = pattern.len() <= place.len();
    (within && pairs.all(|(part, name)| matches(part, name))).then_some(pattern.len())
}

/// `*` for any letters; everything else is itself.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let ends = (0..=tail.len()).filter_map(|at| tail.get(at..));
            ends.into_iter().any(|tail| matches(rest, tail))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    fn found(files: &[(&str, &str)], place: &str) -> Option<String> {
        let root = Scratch::new().expect("a folder");
        for (file, text) in files {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("ours");
            fs::write(file, text).expect("ours");
        }
        of(root.path(), Path::new(place))
    }

    const TMP: (&str, &str) =
        ("usr/lib/tmpfiles.d/tmp.conf", "# a note\nq /tmp 1777 root root 10d\n");

    #[test]
    fn a_directory_that_is_swept_by_age() {
        let swept = found(&[TMP], "/tmp/nvidia-mps").expect("it is");
        assert!(swept.contains("10d") && swept.contains("/usr/lib/tmpfiles.d/tmp.conf"), "{swept}");
        assert_eq!(found(&[TMP], "/run/nvidia-mps"), None);
        assert_eq!(found(&[TMP], "/tmpx"), None);
        assert_eq!(found(&[], "/tmp/nvidia-mps"), None);
        let never = ("usr/lib/tmpfiles.d/tmp.conf", "D /tmp 1777 root root -\nd /tmp/x\n");
        assert_eq!(found(&[never], "/tmp/nvidia-mps"), None);
    }

    #[test]
    fn what_is_left_alone_is_not_swept() {
        for line in ["x /tmp/nvidia-mps", "x /tmp/nvidia*", "d /tmp/nvidia-mps 0755 root root -"] {
            let alone = ("etc/tmpfiles.d/mps.conf", line);
            assert_eq!(found(&[TMP, alone], "/tmp/nvidia-mps"), None, "{line}");
            assert!(found(&[TMP, alone], "/tmp/other").is_some(), "{line}");
        }
        // A file in /etc stands for the one of its name.
        let masked = ("etc/tmpfiles.d/tmp.conf", "");
        assert_eq!(found(&[TMP, masked], "/tmp/nvidia-mps"), None);
    }

    #[test]
    fn older_cleaners() {
        let reaper = found(&[(REAPER, "SHOWWARNING=false\n")], "/tmp/a");
        assert!(reaper.expect("it is").contains("tmpreaper"));
        assert_eq!(found(&[(REAPER, "SHOWWARNING=true\n")], "/tmp/a"), None);
        assert!(found(&[(WATCH, "")], "/var/tmp/a").expect("it is").contains("tmpwatch"));
        assert_eq!(found(&[(WATCH, "")], "/run/a"), None);
    }
}
