//! Any process, as `/proc` shows it. What cannot be read is not guessed.
#![forbid(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The kernel's own number for the first one.
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

#[derive(Clone)]
pub struct Processes {
    proc: PathBuf,
}

impl Processes {
    pub fn here() -> Processes {
        Processes { proc: "/proc".into() }
    }

    /// All that can be seen from this PID namespace.
    pub fn all(&self) -> Vec<i32> {
        let entries = fs::read_dir(&self.proc).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    /// Whether those are all there are: `/proc` shows neither what is outside this PID namespace nor, where
    /// it was mounted so, what is another user's.
    pub fn are_all_seen(&self) -> bool {
        let namespace = fs::read_link(self.proc.join("self/ns/pid"));
        namespace.is_ok_and(|it| it == Path::new(FIRST_NAMESPACE))
            && fs::read(self.file(1, "cmdline")).is_ok()
    }

    /// A file or a folder of a process's.
    pub fn file(&self, pid: i32, name: &str) -> PathBuf {
        self.proc.join(pid.to_string()).join(name)
    }

    /// A path as the process finds it, which may have another root and other mounts.
    pub fn path(&self, pid: i32, path: &Path) -> PathBuf {
        self.file(pid, "root").join(path.strip_prefix("/").unwrap_or(path))
    }

    pub fn text(&self, pid: i32, name: &str) -> io::Result<String> {
        fs::read(self.file(pid, name)).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    /// How a process was started; nothing for one that is dead and not waited for.
    pub fn words(&self, pid: i32) -> Vec<OsString> {
        pieces(&fs::read(self.file(pid, "cmdline")).unwrap_or_default())
    }

    /// Whether a process was started by that name. Not what the kernel calls it: it keeps fifteen
    /// letters, which the MPS server and its daemon share.
    pub fn is(&self, pid: i32, name: &str) -> bool {
        let words = self.words(pid);
        words.first().and_then(|first| Path::new(first).file_name()) == Some(OsStr::new(name))
    }

    pub fn parent(&self, pid: i32) -> Option<i32> {
        self.field(pid, 1)?.parse().ok()
    }

    /// When a process was started, in the kernel's ticks: it tells it from a later one of that number.
    pub fn started(&self, pid: i32) -> Option<u64> {
        self.field(pid, 19)?.parse().ok()
    }

    /// Whether somebody has stopped it, as SIGSTOP does.
    pub fn is_stopped(&self, pid: i32) -> Option<bool> {
        self.field(pid, 0).map(|state| ["T", "t"].contains(&state.as_str()))
    }

    /// The effective user.
    pub fn user(&self, pid: i32) -> Option<u32> {
        let status = self.text(pid, "status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// A field of what follows the name in `stat`.
    fn field(&self, pid: i32, number: usize) -> Option<String> {
        let text = self.text(pid, "stat").ok()?;
        let (_, tail) = text.rsplit_once(')')?;
        tail.split_whitespace().nth(number).map(str::to_owned)
    }

    /// The environment as the process was started with it.
    pub fn environment(&self, pid: i32) -> io::Result<Vec<(OsString, OsString)>> {
        let all = fs::read(self.file(pid, "environ"))?;
        let entry = |entry: OsString| {
            let at = entry.as_bytes().iter().position(|byte| *byte == b'=')?;
            let (name, value) = entry.as_bytes().split_at_checked(at)?;
            let value = value.get(1..)?;
            Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value).to_owned()))
        };
        Ok(pieces(&all).into_iter().filter_map(entry).collect())
    }

    pub fn variable(&self, pid: i32, name: &str) -> io::Result<Option<OsString>> {
        let all = self.environment(pid)?;
        Ok(all.into_iter().find(|(it, _)| it == name).map(|(_, value)| value))
    }
}

/// What ends in NUL, one after the other.
fn pieces(bytes: &[u8]) -> Vec<OsString> {
    let pieces = bytes.split(|byte| *byte == 0).filter(|piece| !piece.is_empty());
    pieces.map(|piece| OsString::from_vec(piece.to_vec())).collect()
}

/// Processes made up in a folder.
#[cfg(test)]
pub mod made_up {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicU32, Ordering};

    pub struct MadeUp(pub Processes);

    impl MadeUp {
        /// Each a number, its parent's, how it was started, and its environment: `?` where that cannot be
        /// read. They are root's, and the elder has the lower number.
        pub fn of(processes: &[(i32, i32, &str, &str)]) -> MadeUp {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("cuota-processes-{}-{number}", std::process::id());
            let made = MadeUp(Processes { proc: std::env::temp_dir().join(name) });
            for (pid, parent, words, environment) in processes {
                fs::create_dir_all(made.0.file(*pid, "")).expect("a fresh directory");
                let rest = "1 ".repeat(17);
                made.write(
                    *pid,
                    "stat",
                    &format!("{pid} (a) b c) S {parent} {rest}{}", 1000 + pid),
                );
                made.write(*pid, "cmdline", &words.replace(' ', "\0"));
                if *environment != "?" {
                    made.write(*pid, "environ", &environment.replace(' ', "\0"));
                }
                symlink("/", made.0.file(*pid, "root")).expect("ours");
            }
            made.of_user(&processes.iter().map(|it| it.0).collect::<Vec<_>>(), 0)
        }

        /// That user's, not root's.
        pub fn of_user(self, pids: &[i32], user: u32) -> MadeUp {
            for pid in pids {
                let status = format!("Name:\tx\nUid:\t{user}\t{user}\t{user}\t{user}\n");
                self.write(*pid, "status", &status);
            }
            self
        }

        /// As on a machine where there are no others that are not seen.
        pub fn all_seen(self) -> MadeUp {
            let namespaces = self.0.proc.join("self/ns");
            fs::create_dir_all(&namespaces).expect("a fresh directory");
            symlink(FIRST_NAMESPACE, namespaces.join("pid")).expect("ours");
            self
        }

        fn write(&self, pid: i32, name: &str, text: &str) {
            fs::write(self.0.file(pid, name), text).expect("ours");
        }
    }

    impl Drop for MadeUp {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0.proc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::made_up::MadeUp;
    use std::path::Path;

    #[test]
    fn what_proc_says_of_a_process() {
        let made = MadeUp::of(&[(7, 1, "/x/prog -d a", "A=b C=d=e odd")]).of_user(&[7], 12);
        assert_eq!(made.0.all(), [7]);
        assert_eq!(made.0.words(7), ["/x/prog", "-d", "a"]);
        assert!(made.0.is(7, "prog") && !made.0.is(7, "pro") && !made.0.is(8, "prog"));
        assert_eq!((made.0.parent(7), made.0.user(7)), (Some(1), Some(12)));
        assert_eq!((made.0.started(7), made.0.started(8)), (Some(1007), None));
        assert_eq!((made.0.is_stopped(7), made.0.is_stopped(8)), (Some(false), None));
        assert_eq!(made.0.path(7, Path::new("/a/b")), made.0.file(7, "root").join("a/b"));
        assert_eq!(made.0.variable(7, "C").expect("read"), Some("d=e".into()));
        assert_eq!(made.0.variable(7, "odd").expect("read"), None);
        assert!(made.0.variable(8, "C").is_err());
    }

    #[test]
    fn all_are_seen_only_from_the_first_namespace_and_with_the_first_process() {
        let (first, other) = ((1, 0, "init", ""), (7, 1, "prog", ""));
        assert!(MadeUp::of(&[first, other]).all_seen().0.are_all_seen());
        assert!(!MadeUp::of(&[first, other]).0.are_all_seen());
        assert!(!MadeUp::of(&[other]).all_seen().0.are_all_seen());
    }
}
