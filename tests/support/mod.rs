//! What the tests share: what was built, programs in C, and a run of one under the preload.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use cuota_core::tally::{Line, Report};

pub mod crowd;
pub mod facts;
pub mod quota;
pub mod real;
pub mod told;

/// The folder of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file that `make build` leaves.
pub fn built(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    let path = target.join("release").join(name);
    assert!(path.exists(), "{} is not there: run `make build` first", path.display());
    path
}

pub fn library() -> PathBuf {
    built("libcuota.so")
}

/// The library with the means to leave a charge out, which a build for people does not have.
pub fn sabotaged() -> PathBuf {
    let target = root().join("target/sabotage");
    let made = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--release", "--locked", "--package", "cuota", "--lib", "--target-dir"])
        .arg(&target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "--cfg cuota_sabotage")
        .output()
        .expect("cargo can be run");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    target.join("release/libcuota.so")
}

/// The simulated driver's directory; `generation` like "535", or "" for the newest.
pub fn simulator(generation: &str) -> PathBuf {
    built("sim").join(generation)
}

/// A fresh directory, removed when dropped.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique =
            format!("cuota-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).expect("a temporary directory can be made");
        Scratch(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Compiles `tests/programs/<source>` into this directory.
    pub fn compile(&self, source: &str, output: &str, arguments: &[&str]) -> PathBuf {
        let path = self.join(output);
        let made = Command::new(if source.ends_with(".cpp") { "g++" } else { "gcc" })
            .args(["-O1", "-Wall", "-Werror", "-o"])
            .arg(&path)
            .arg(root().join("tests/programs").join(source))
            .args(arguments)
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("gcc can be run");
        assert!(made.status.success(), "{source}: {}", String::from_utf8_lossy(&made.stderr));
        path
    }

    /// Compiles a program linked to the simulated driver, found at run time by the loader's search.
    pub fn compile_linked(&self, source: &str, output: &str, arguments: &[&str]) -> PathBuf {
        let directory = format!("-L{}", simulator("").display());
        let mut all = arguments.to_vec();
        all.extend([&*directory, "-lcuda", "-Wl,--allow-shlib-undefined"]);
        self.compile(source, output, &all)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What is between a program and the driver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Nothing: the program as it is.
    Bare,
    /// The library, preloaded.
    Preloaded,
    /// The library in the driver's place, on the loader's path.
    Mounted,
}

/// One run of a program, with a simulated machine and a tally of its own.
pub struct Run {
    scratch: Scratch,
    command: Command,
    way: Way,
}

impl Run {
    pub fn new(program: impl AsRef<OsStr>, way: Way) -> Run {
        Run::on(program, way, &simulator(""))
    }

    /// On the driver in `directory`; a directory without one is a machine without one.
    pub fn on(program: impl AsRef<OsStr>, way: Way, directory: &Path) -> Run {
        let scratch = Scratch::new();
        let mut command = Command::new(program);
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "CUOTA_DRIVER", "CUOTA_LOG", "CUOTA_DISABLE"]
        {
            command.env_remove(name);
        }
        std::fs::create_dir(scratch.join("sim")).expect("the scratch directory is writable");
        command.env("CUOTA_SIM", scratch.join("sim")).env("CUOTA_TALLY", scratch.join("tally"));
        command.env("LD_LIBRARY_PATH", directory);
        // A ledger of its own, not this machine's.
        command.env("CUOTA_DIR", scratch.join("ledgers"));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(scratch.join("ledgers"))
            .expect("the scratch directory is writable");
        match way {
            Way::Bare => {}
            Way::Preloaded => {
                command.env("LD_PRELOAD", library());
            }
            Way::Mounted => {
                let place = scratch.join("mounted");
                std::fs::create_dir(&place).expect("the scratch directory is writable");
                for name in ["libcuda.so.1", "libcuda.so"] {
                    std::os::unix::fs::symlink(library(), place.join(name))
                        .expect("a link can be made");
                }
                let mut paths = OsString::from(&place);
                paths.push(":");
                paths.push(directory);
                command.env("LD_LIBRARY_PATH", paths);
                command.env("CUOTA_DRIVER", directory.join("libcuda.so.1"));
            }
        }
        Run { scratch, command, way }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Run {
        self.command.arg(argument);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Gives it this text to read.
    pub fn input(mut self, text: &str) -> Run {
        let path = self.scratch.join("input");
        std::fs::write(&path, text).expect("the scratch directory is writable");
        self.command.stdin(std::fs::File::open(path).expect("just written"));
        self
    }

    /// Runs it to its end; it must succeed.
    pub fn ok(self) -> Outcome {
        let outcome = self.any();
        assert!(
            outcome.output.status.success(),
            "{:?}: {}{}",
            outcome.output.status,
            outcome.out(),
            outcome.err()
        );
        outcome
    }

    pub fn any(mut self) -> Outcome {
        let output =
            self.command.output().unwrap_or_else(|why| panic!("{:?}: {why}", self.command));
        Outcome { scratch: self.scratch, output, way: self.way }
    }
}

pub struct Outcome {
    scratch: Scratch,
    pub output: Output,
    way: Way,
}

impl Outcome {
    /// A file the run has left.
    pub fn file(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub fn tally(&self) -> Option<Report> {
        let path = self.scratch.join("tally");
        path.exists().then(|| Report::read_file(&path).expect("the tally can be read"))
    }

    /// What the hooks saw of `name`.
    pub fn seen(&self, name: &str) -> Option<Line> {
        self.tally()?.entries.into_iter().find(|line| line.name == name)
    }

    /// Calls the hooks saw, by name; those never called are left out.
    pub fn hook_calls(&self) -> BTreeMap<String, u64> {
        let entries = self.tally().map(|tally| tally.entries).unwrap_or_default();
        entries.into_iter().filter(|l| l.calls > 0).map(|l| (l.name, l.calls)).collect()
    }

    /// Calls the simulated driver itself saw, by name, less the questions cuota asked it.
    pub fn driver_calls(&self) -> BTreeMap<String, u64> {
        let entries = self.tally().map(|tally| tally.entries).unwrap_or_default();
        let asked: BTreeMap<String, u64> = entries.into_iter().map(|l| (l.name, l.asked)).collect();
        let own = |name: &String| asked.get(name).copied().unwrap_or(0);
        let names = std::fs::read_to_string(self.scratch.join("sim/names")).unwrap_or_default();
        let calls = std::fs::read(self.scratch.join("sim/calls")).unwrap_or_default();
        let words = calls
            .chunks_exact(8)
            .map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
        let calls = names.lines().map(String::from).zip(words);
        let theirs = calls.map(|(name, calls)| (name.clone(), calls - own(&name)));
        // Cuota asks these too, and has no entry to count them at.
        let uncounted = ["nvmlInit_v2", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetUUID"];
        theirs.filter(|(name, calls)| *calls > 0 && !uncounted.contains(&&**name)).collect()
    }

    /// What the driver has done by its own account: the words behind the counts of calls
    /// (`sim/src/done.rs`).
    pub fn driver_done(&self) -> Vec<u64> {
        let names = std::fs::read_to_string(self.scratch.join("sim/names")).expect("it ran");
        let calls = std::fs::read(self.scratch.join("sim/calls")).expect("it ran");
        let (words, _) = calls.as_chunks::<8>();
        words.iter().skip(names.lines().count()).map(|word| u64::from_le_bytes(*word)).collect()
    }

    /// The most bytes that the living ever held together of one of the simulated machine's cards: the
    /// fifth of a card's sixteen words, behind the machine file's header (`sim/src/machine/layout.rs`).
    pub fn highest(&self) -> u64 {
        let file = std::fs::read(self.scratch.join("sim/machine")).expect("there is a machine");
        let (words, _) = file[64..].as_chunks::<8>();
        let cards = words.chunks(16).take(16);
        cards.map(|card| u64::from_le_bytes(card[4])).max().expect("it has cards")
    }

    /// Bytes that stand in the machine file as held of the first card, by whoever lives or lived: each
    /// process's cell begins with them (`sim/src/machine/layout.rs`).
    pub fn left_held(&self) -> u64 {
        let file = std::fs::read(self.scratch.join("sim/machine")).expect("there is a machine");
        let (words, _) = file[64..].as_chunks::<8>();
        let slots = words[16 * 16..].chunks_exact((1 + 16) * 8).take(512);
        slots.map(|slot| u64::from_le_bytes(slot[8])).sum()
    }

    /// Calls made = calls the hooks saw = calls the driver saw, for each of these names.
    pub fn assert_counts(&self, made: &[(&str, u64)]) {
        let (hooks, driver) = (self.hook_calls(), self.driver_calls());
        for (name, made) in made {
            let at = |counts: &BTreeMap<String, u64>| counts.get(*name).copied().unwrap_or(0);
            let (hooks, driver) = (at(&hooks), at(&driver));
            assert_eq!(
                (*made, hooks, driver),
                (*made, *made, *made),
                "{name}: made, hooked, driven ({:?})\n{}{}",
                self.way,
                self.out(),
                self.err()
            );
        }
    }
}
