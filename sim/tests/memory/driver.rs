//! Running a test against the simulated driver, in a process and on a machine of its own.
//!
//! The libraries are looked for in `CUOTA_SIM_LIBS`, else where the release build puts them.

use cudarc::driver::sys::*;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, ptr};

/// Calls an entry point; the answer is its number.
macro_rules! cu {
    ($f:ident($($arg:expr),* $(,)?)) => {{
        // SAFETY: the arguments are what the entry point asks for, or wrong in the way that the
        // driver documents an answer for.
        unsafe { cudarc::driver::sys::$f($($arg),*) as u32 }
    }};
}

/// Calls an entry point that has to succeed.
macro_rules! ok {
    ($f:ident($($arg:expr),* $(,)?)) => {
        assert_eq!(cu!($f($($arg),*)), 0, stringify!($f))
    };
}

pub(crate) use {cu, ok};

pub const MIB: usize = 1 << 20;
pub const PAGE: usize = 2 * MIB;

/// A machine of its own, removed with all that is on it.
pub struct Machine {
    pub dir: PathBuf,
    bytes: String,
    cards: String,
}

impl Machine {
    pub fn of(bytes: usize, cards: usize) -> Machine {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("cuota-sim-memory-{}-{number}", process::id()));
        Machine { dir, bytes: bytes.to_string(), cards: cards.to_string() }
    }

    /// Another process on this machine, which runs the named test in a role.
    pub fn start(&self, test: &str, role: &str) -> Child {
        let libs = env::var_os("CUOTA_SIM_LIBS").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/sim")),
            PathBuf::from,
        );
        assert!(libs.join("libcuda.so.1").exists(), "no simulated driver in {}", libs.display());
        Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env("LD_LIBRARY_PATH", libs)
            .env("CUOTA_SIM", &self.dir)
            .env("CUOTA_SIM_BYTES", &self.bytes)
            .env("CUOTA_SIM_CARDS", &self.cards)
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

const ROLE: &str = "CUOTA_SIM_TEST_ROLE";

/// Which part of a test this process plays; `None` in the one that started it.
pub fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// Runs the body in a process of its own, on a machine of one card of so many bytes.
pub fn alone(test: &str, bytes: usize, body: impl FnOnce()) {
    alone_with(test, bytes, 1, body);
}

pub fn alone_with(test: &str, bytes: usize, cards: usize, body: impl FnOnce()) {
    if role().is_some() {
        return body();
    }
    finish(Machine::of(bytes, cards).start(test, "alone"));
}

/// Waits for a process that has to succeed.
pub fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}\n{text}{errors}", output.status);
    assert!(text.contains("1 passed"), "no such test:\n{text}");
}

/// The driver started and the primary context of a device current.
pub fn start_on(device: i32) -> CUcontext {
    ok!(cuInit(0));
    let mut context = ptr::null_mut();
    ok!(cuDevicePrimaryCtxRetain(&mut context, device));
    ok!(cuCtxSetCurrent(context));
    context
}

pub fn start() -> CUcontext {
    start_on(0)
}

pub fn free() -> usize {
    let (mut free, mut total) = (0, 0);
    ok!(cuMemGetInfo_v2(&mut free, &mut total));
    free
}

pub fn alloc(bytes: usize) -> u64 {
    let mut address = 0;
    ok!(cuMemAlloc_v2(&mut address, bytes));
    address
}
