//! What the tests of the command share: the built command, the library and simulated driver built
//! beside it, and programs compiled for the occasion.

#![allow(dead_code)] // each test uses some of it

pub mod books;
pub mod doctor;
pub mod member;
pub mod mps;
pub mod promtool;
pub mod real;
#[path = "../../../tests/support/told.rs"]
pub mod told;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, process};

/// Where libcuota.so and sim/ are: `make build` puts them into target/release.
pub fn built() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let directory = env::var_os("CUOTA_TEST_LIB_DIR").map_or(default, PathBuf::from);
    let directory = directory.canonicalize().expect("run `make build` first");
    assert!(directory.join("libcuota.so").is_file(), "no libcuota.so: run `make build` first");
    directory
}

pub fn library() -> PathBuf {
    built().join("libcuota.so")
}

/// The simulated driver of a generation; "" is the newest.
pub fn simulated(generation: &str) -> PathBuf {
    built().join("sim").join(generation).join("libcuda.so.1")
}

/// The command, told where the library is, in an environment that says nothing else of CUDA.
pub fn cuota<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cuota"));
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CUOTA_") || name.starts_with("CUDA_") || name.starts_with("LD_") {
            command.env_remove(&*name);
        }
    }
    command.args(arguments).env("CUOTA_LIB", library());
    command
}

/// Runs it; the status, standard output and standard error.
pub fn ended(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// A directory for one test, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Folder {
        let path = env::temp_dir().join(format!("cuota-test-{}-{test}", process::id()));
        fs::create_dir(&path).expect("a fresh directory");
        Folder(path)
    }

    /// Where the ledgers of this test are, made as a shared directory that is ours.
    pub fn ledgers(&self) -> PathBuf {
        let path = self.path("ledgers");
        fs::create_dir_all(&path).expect("ours");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("ours");
        path
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub fn file(&self, file: &str, text: &str) -> PathBuf {
        fs::write(self.path(file), text).expect("a file of our own");
        self.path(file)
    }

    /// An executable script.
    pub fn script(&self, file: &str, text: &str) -> PathBuf {
        let path = self.file(file, text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).expect("it is ours");
        path
    }

    /// A copy of the command under another name. Made by another process: a program that is open for
    /// writing cannot be started, and a child made meanwhile would have it open.
    pub fn copied_command(&self, file: &str) -> PathBuf {
        let mut cp = Command::new("cp");
        cp.arg(env!("CARGO_BIN_EXE_cuota")).arg(self.path(file));
        assert!(cp.status().is_ok_and(|status| status.success()), "no room for a copy");
        self.path(file)
    }

    /// Compiles `source` as C; the file made, unless this machine cannot.
    pub fn compiled(&self, file: &str, source: &str, options: &[&str]) -> Option<PathBuf> {
        let source = self.file(&format!("{file}.c"), source);
        let mut gcc = Command::new("gcc");
        let made = gcc.arg(source).arg("-o").arg(self.path(file)).args(options).output();
        let made = made.expect("gcc, which the build needs too");
        made.status.success().then(|| self.path(file))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
