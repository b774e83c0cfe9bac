//! The end of a process with work in flight: waited for where that can be promised, and never with another
//! status, handler or signal than without us.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use support::crowd::{may_unshare, send, until};
use support::{Scratch, library, simulator};

struct Scene {
    scratch: Scratch,
    program: PathBuf,
}

/// Whether the work was done before the process was gone, and how that ended.
#[derive(Debug)]
struct End {
    status: ExitStatus,
    drained: bool,
    said: String,
}

impl Scene {
    fn new() -> Scene {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.join("sim")).expect("a fresh directory");
        std::fs::create_dir(scratch.join("ledgers")).expect("a fresh directory");
        support::crowd::set_mode(&scratch.join("ledgers"), 0o700);
        let program = scratch.compile_linked("ends.c", "ends", &["-Wno-unused-function"]);
        Scene { scratch, program }
    }

    /// Behind `before`, a program with work that takes so many milliseconds.
    fn start(&self, before: &[&str], set: &[(&str, &str)], ms: u64, how: &[&str]) -> Child {
        let file = self.scratch.join("work");
        std::fs::write(&file, ".").expect("the scratch directory is writable");
        let mut command = Command::new("env");
        command.args(before).arg("env");
        let path = |path: PathBuf| path.display().to_string();
        for (name, value) in [
            ("LD_LIBRARY_PATH", path(simulator(""))),
            ("LD_PRELOAD", path(library())),
            ("CUOTA_SIM", path(self.scratch.join("sim"))),
            ("CUOTA_SIM_KERNEL_US", (ms * 1000).to_string()),
            ("CUOTA_DIR", path(self.scratch.join("ledgers"))),
            ("CUOTA_CLIENT", "ends".into()),
        ] {
            command.arg(format!("{name}={value}"));
        }
        command.args(set.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(&self.program).arg(file).args(how);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it can be started");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("text");
        if line != "ready\n" {
            let mut said = String::new();
            let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
            panic!("{how:?}: {line:?} {:?} {said}", child.wait());
        }
        child
    }

    fn end(&self, mut child: Child) -> End {
        let mut said = String::new();
        let _ = child.stderr.take().expect("piped").read_to_string(&mut said);
        let status = child.wait().expect("ours");
        let drained = std::fs::read(self.scratch.join("work")).expect("ours") == b"x";
        End { status, drained, said }
    }

    fn run(&self, set: &[(&str, &str)], ms: u64, how: &[&str], signal: i32) -> End {
        let child = self.start(&[], set, ms, how);
        if signal != 0 {
            send(child.id().cast_signed(), signal);
        }
        self.end(child)
    }
}

const MPS: (&str, &str) = ("CUOTA_SIM_MPS", "1");
const ON: &[(&str, &str)] = &[MPS];
const OFF: &[(&str, &str)] = &[MPS, ("CUOTA_DRAIN", "0")];
/// Long enough to be in flight at the end, and not to be done before it by chance.
const SOME: u64 = 300;
const LONG: u64 = 4000;

/// How it ends, the signal sent to it, its status (negative: a signal), whether it is drained.
#[rustfmt::skip]
const ENDS: &[(&[&str], i32, i32, bool)] = &[
    (&["return"], 0, 3, true),
    (&["exit"], 0, 3, true),
    (&["_exit"], 0, 3, false),
    (&["abort"], 0, -libc::SIGABRT, false),
    (&["wait"], libc::SIGKILL, -libc::SIGKILL, false),
    (&["wait"], libc::SIGINT, -libc::SIGINT, false),
    (&["wait"], libc::SIGTERM, -libc::SIGTERM, true),
    (&["sync"], libc::SIGTERM, -libc::SIGTERM, true),
    // What it does once it is out of the driver it would not have done without us.
    (&["syncret"], libc::SIGTERM, -libc::SIGTERM, true),
    (&["wait", "ask"], libc::SIGTERM, -libc::SIGTERM, true),
    (&["wait", "default-again"], libc::SIGTERM, -libc::SIGTERM, true),
    // Its own handler has it return: that is drained.
    (&["wait", "before"], libc::SIGTERM, 7, true),
    (&["wait", "after"], libc::SIGTERM, 7, true),
    (&["wait", "by-signal"], libc::SIGTERM, 7, true),
];

fn is(end: &End, status: i32) -> bool {
    end.status.code().or(end.status.signal().map(|signal| -signal)) == Some(status)
}

#[test]
fn ends_are_as_without_us_and_drained_where_that_is_promised() {
    let scene = Scene::new();
    for (how, signal, status, drained) in ENDS {
        for (set, on) in [(ON, true), (OFF, false), (&[][..], false)] {
            let waits = *drained && on;
            let end = scene.run(set, if waits { SOME } else { LONG }, how, *signal);
            assert!(is(&end, *status), "{how:?} {signal} {set:?}: {end:?}");
            // In the driver it waits whatever we do.
            let itself = how.contains(&"sync") && end.status.code().is_some();
            assert!(end.drained == waits || itself, "{how:?} {signal} {set:?}: {end:?}");
            assert_eq!(end.said, "", "{how:?} {signal} {set:?}");
        }
        // Asked for outside MPS.
        if *drained {
            let end = scene.run(&[("CUOTA_DRAIN", "5s")], SOME, how, *signal);
            assert!(is(&end, *status) && end.drained, "{how:?} {signal}: {end:?}");
        }
    }
}

#[test]
fn nobody_waits_longer_than_was_said() {
    let scene = Scene::new();
    let set = [MPS, ("CUOTA_DRAIN", "50ms")];
    for (how, signal, status) in
        [(&["return"][..], 0, 3), (&["wait"], libc::SIGTERM, -libc::SIGTERM)]
    {
        let end = scene.run(&set, 600_000, how, signal);
        assert!(is(&end, status) && !end.drained, "{end:?}");
        assert!(end.said.contains("ends with work in flight"), "{end:?}");
        assert_eq!(end.said.lines().count(), 1, "{end:?}");
    }
    // Who is told twice means it.
    let child = scene.start(&[], ON, 600_000, &["wait"]);
    let pid = child.id();
    send(pid.cast_signed(), libc::SIGTERM);
    let status = format!("/proc/{pid}/status");
    // By whichever of its threads.
    until("the first is being handled", || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let waits = text.lines().find_map(|line| line.strip_prefix("ShdPnd:")).map(str::trim);
        let waits = waits.and_then(|waits| u64::from_str_radix(waits, 16).ok()).unwrap_or(0);
        waits >> (libc::SIGTERM - 1) & 1 == 0
    });
    send(pid.cast_signed(), libc::SIGTERM);
    let end = scene.end(child);
    assert!(is(&end, -libc::SIGTERM) && !end.drained, "{end:?}");
}

/// A handler of the program's own that waits for a thread with work to submit is not held up for as long as
/// the end may take.
#[test]
fn who_joins_its_workers_ends() {
    let scene = Scene::new();
    let end = scene.run(&[MPS, ("CUOTA_DRAIN", "60m")], 1, &["join"], 0);
    assert!(is(&end, 3), "{end:?}");
    assert_eq!(end.said, "");
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let scene = Scene::new();
    let child = scene.start(&[], ON, SOME, &["wait", "ignore"]);
    send(child.id().cast_signed(), libc::SIGTERM);
    send(child.id().cast_signed(), libc::SIGKILL);
    assert!(is(&scene.end(child), -libc::SIGKILL));
}

/// The first process of a PID namespace is not ended by a signal that it does not handle.
#[test]
fn the_first_of_a_namespace_has_no_handler() {
    if !may_unshare() {
        return;
    }
    let scene = Scene::new();
    let child = scene.start(&["unshare", "--pid", "--fork"], ON, SOME, &["wait"]);
    let children = format!("/proc/{0}/task/{0}/children", child.id());
    let inner = std::fs::read_to_string(children).expect("its only child");
    let inner: i32 = inner.trim().parse().expect("a pid");
    let status = std::fs::read_to_string(format!("/proc/{inner}/status")).expect("it runs");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).expect("a mask");
    let caught = u64::from_str_radix(caught.trim(), 16).expect("a mask");
    assert_eq!(caught >> (libc::SIGTERM - 1) & 1, 0);
    send(inner, libc::SIGTERM);
    send(inner, libc::SIGKILL);
    scene.end(child);
}

/// Without the preload nobody could be watched: no handler then.
#[test]
fn where_nobody_can_be_watched_there_is_no_handler() {
    let scene = Scene::new();
    let place = scene.scratch.join("place");
    std::fs::create_dir(&place).expect("a fresh directory");
    std::os::unix::fs::symlink(library(), place.join("libcuda.so.1")).expect("a fresh directory");
    let path = format!("{}:{}", place.display(), simulator("").display());
    let set = [MPS, ("LD_PRELOAD", ""), ("LD_LIBRARY_PATH", &path)];
    let end = scene.run(&set, SOME, &["return"], 0);
    assert!(is(&end, 3) && end.drained, "{end:?}");
    // A program linked to us is watched all the same.
    let end = scene.run(&set, SOME, &["wait", "ask"], libc::SIGTERM);
    assert!(is(&end, -libc::SIGTERM), "{end:?}");
}

/// Python has no handler of SIGTERM until it is given one.
#[test]
fn python_ends_as_it_does() {
    let script = "
import ctypes, mmap, os, signal, sys, time
cuda = ctypes.CDLL('libcuda.so.1')
context, module, work = (ctypes.c_void_p() for _ in range(3))
assert not cuda.cuInit(0) and not cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
assert not cuda.cuCtxSetCurrent(context)
code = b'.version 7.0\\n.target sm_70\\n.address_size 64\\n.visible .entry work() { ret; }\\n'
assert not cuda.cuModuleLoadData(ctypes.byref(module), code)
assert not cuda.cuModuleGetFunction(ctypes.byref(work), module, b'work')
done = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: None)
file = open(sys.argv[1], 'r+b')
shared = mmap.mmap(file.fileno(), 1)
address = ctypes.addressof(ctypes.c_char.from_buffer(shared))
memset = ctypes.CDLL(None).memset
copied = ctypes.c_uint64()
assert not cuda.cuLaunchKernel(work, 1, 1, 1, 1, 1, 1, 0, None, None, None)
assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
if sys.argv[2] == 'handler':
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print('ready', flush=True)
if sys.argv[2] == 'return':
    sys.exit(3)
for _ in range(6000):
    time.sleep(0.01)
";
    let mut scene = Scene::new();
    let file = scene.scratch.join("script.py");
    std::fs::write(&file, script).expect("the scratch directory is writable");
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = String::from_utf8(python.expect("python3").stdout).expect("a path");
    let wrapper = scene.scratch.join("python");
    let line = format!("#!/bin/sh\nexec {} {} \"$@\"\n", python.trim(), file.display());
    std::fs::write(&wrapper, line).expect("the scratch directory is writable");
    support::crowd::set_mode(&wrapper, 0o755);
    scene.program = wrapper;
    for (how, signal, status) in [
        ("return", 0, 3),
        ("wait", libc::SIGTERM, -libc::SIGTERM),
        ("handler", libc::SIGTERM, 7),
        ("wait", libc::SIGINT, -libc::SIGINT),
    ] {
        for set in [ON, OFF] {
            let end = scene.run(set, SOME, &[how], signal);
            let calls = scene.waits();
            // Nobody but us waits for the work.
            let waits = set == ON && signal != libc::SIGINT;
            assert!(is(&end, status), "{how} {set:?}: {end:?}");
            assert_eq!(calls > 0, waits, "{how} {set:?}");
        }
    }
}

impl Scene {
    /// How often the driver was made to wait for a context, since this was asked last.
    fn waits(&self) -> u64 {
        let place = self.scratch.join("sim");
        let names = std::fs::read_to_string(place.join("names")).expect("it is written at once");
        let counts = std::fs::read(place.join("calls")).expect("it is written at once");
        let line = names.lines().position(|line| line == "cuCtxSynchronize").expect("a name");
        let bytes = counts[line * 8..][..8].try_into().expect("eight");
        std::fs::remove_file(place.join("calls")).expect("ours");
        u64::from_le_bytes(bytes)
    }
}
