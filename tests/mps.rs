//! Under MPS or not: what `CUOTA_MPS` makes of a daemon that is not there, does not answer, or whose
//! client this process has not become. The daemon is Debian's real one where it can be had.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cuota_core::mps;
use support::crowd::{Crowd, set_mode};
use support::told::Ends;
use support::{Outcome, Run, Scratch, Way, real};

const CONNECTION_FAILED: &str = "cuInit 805";

struct Daemon {
    pid: i32,
    _ends: Ends,
}

impl Daemon {
    /// The real one, with its pipes in `place`.
    fn start(control: &Path, place: &Path) -> Daemon {
        Daemon::with(control, place, Path::new("/usr/sbin"))
    }

    /// The same with its server, or what stands in for it, in a folder.
    fn with(control: &Path, place: &Path, server: &Path) -> Daemon {
        let log = place.with_extension("log");
        let ends = Ends(place.to_path_buf());
        std::fs::create_dir(&log).expect("a fresh directory");
        let started = Command::new(control)
            .arg("-d")
            .env("CUDA_MPS_PIPE_DIRECTORY", place)
            .env("CUDA_MPS_LOG_DIRECTORY", &log)
            .env("PATH", format!("{}:/usr/bin:/bin", server.display()))
            .status();
        assert!(started.expect("it can be run").success());
        // It goes on to write that after it has let its parent go.
        let pid = loop {
            let said = std::fs::read_to_string(log.join("control.log")).unwrap_or_default();
            let pid = said.split("Control ").nth(1).and_then(|rest| rest.split_once(']'));
            if let Some((pid, _)) = pid {
                break pid.trim().parse().expect("a number");
            }
            std::thread::yield_now();
        };
        while !matches!(mps::look(place, mps::PATIENCE), mps::Daemon::Answers) {
            std::thread::yield_now();
        }
        Daemon { pid, _ends: ends }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: sends a signal to a process of ours.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }
}

/// Somebody who listens in a pipe directory and never says a word: as a daemon that is stopped.
fn mute(place: &Path) -> OwnedFd {
    std::fs::create_dir_all(place).expect("a fresh directory");
    let path = place.join("control");
    // SAFETY: makes a socket of ours, and gives it an address in our own memory.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0);
        let mut address: libc::sockaddr_un = core::mem::zeroed();
        address.sun_family = libc::AF_UNIX as libc::sa_family_t;
        for (at, byte) in path.as_os_str().as_bytes().iter().enumerate() {
            address.sun_path[at] = byte.cast_signed();
        }
        let length = size_of_val(&address) as libc::socklen_t;
        assert_eq!(libc::bind(socket, (&raw const address).cast(), length), 0);
        assert_eq!(libc::listen(socket, 1), 0);
        OwnedFd::from_raw_fd(socket)
    }
}

struct Program {
    scratch: Scratch,
    path: PathBuf,
}

impl Program {
    fn new() -> Program {
        let scratch = Scratch::new();
        let path = scratch.compile_linked("share.c", "share", &[]);
        Program { scratch, path }
    }

    fn run(&self, wants: &str, place: &Path, set: &[(&str, &str)]) -> Outcome {
        let mut run = Run::new(&self.path, Way::Preloaded)
            .env("CUOTA_CLIENT", "pod-1")
            .env("CUDA_MPS_PIPE_DIRECTORY", place);
        if !wants.is_empty() {
            run = run.env("CUOTA_MPS", wants);
        }
        for (name, value) in set {
            run = run.env(name, value);
        }
        run.any()
    }

    /// It fails, before anything else happened, for this reason.
    fn refused(&self, place: &Path, set: &[(&str, &str)], why: &str) {
        let outcome = self.run("require", place, set);
        let (out, err) = (outcome.out(), outcome.err());
        assert_eq!(out.trim_end(), CONNECTION_FAILED, "{why}: {err}");
        assert!(err.contains("CUOTA_MPS=require") && err.contains(why), "{why}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

const CLIENT: (&str, &str) = ("CUOTA_SIM_MPS", "1");

#[test]
fn without_a_daemon_whoever_requires_one_is_refused_in_words() {
    let program = Program::new();
    let place = program.scratch.join("pipes");
    program.refused(&place, &[CLIENT], "there is no directory");
    std::fs::create_dir(&place).expect("a fresh directory");
    program.refused(&place, &[CLIENT], "no daemon was started in");
    drop(mute(&place));
    program.refused(&place, &[CLIENT], "its daemon has ended, and left the socket behind");
    let long = program.scratch.join("x".repeat(87));
    program.refused(&long, &[CLIENT], "more than 87 characters");
    // The driver was not even asked.
    let outcome = program.run("require", &place, &[CLIENT]);
    assert_eq!(outcome.driver_calls().get("cuInit"), None);
}

#[test]
fn a_daemon_that_does_not_answer_does_not_hang_the_program() {
    let program = Program::new();
    let place = program.scratch.join("pipes");
    let _mute = mute(&place);
    program.refused(&place, &[CLIENT], "is there and does not answer");
}

#[test]
fn who_does_not_require_it_runs() {
    let program = Program::new();
    let place = program.scratch.join("pipes");
    for (wants, set, warns) in [
        // The directory is named, and the program is no client: mistyped, as it may be.
        ("", &[][..], Some("is used beside MPS, not under it")),
        ("prefer", &[], Some("there is no directory")),
        ("ignore", &[], None),
        ("prefer", &[CLIENT], None),
        // Nobody speaks of MPS.
        ("prefer", &[("CUDA_MPS_PIPE_DIRECTORY", "")], None),
    ] {
        let outcome = program.run(wants, &place, set);
        assert!(outcome.out().starts_with("sms 132"), "{}", outcome.err());
        match warns {
            None => assert_eq!(outcome.err(), "", "{wants} {set:?}"),
            Some(words) => {
                let err = outcome.err();
                assert!(err.contains(words) && err.lines().count() == 1, "{wants}: {err}");
            }
        }
    }
}

#[test]
fn the_real_daemon_is_known_alive_stopped_and_dead() {
    let Some(control) = real::mps_control() else { return };
    let program = Program::new();
    let place = program.scratch.join("pipes");
    let daemon = Daemon::start(&control, &place);
    let outcome = program.run("require", &place, &[CLIENT]);
    assert!(outcome.out().starts_with("sms 132"), "{}", outcome.err());
    assert_eq!(outcome.err(), "");
    // It answers, and the driver has not become its client all the same.
    let beside = program.run("require", &place, &[]);
    assert_eq!(beside.out().trim_end(), CONNECTION_FAILED);
    assert!(
        beside.err().contains("device 0 is not under MPS, though the daemon of"),
        "{}",
        beside.err()
    );
    let warned = program.run("prefer", &place, &[]).err();
    assert!(warned.contains("beside MPS") && warned.contains("answers"), "{warned}");
    daemon.signal(libc::SIGSTOP);
    program.refused(&place, &[CLIENT], "is there and does not answer");
    daemon.signal(libc::SIGKILL);
    while !matches!(mps::look(&place, mps::PATIENCE), mps::Daemon::Stale) {
        std::thread::yield_now();
    }
    program.refused(&place, &[CLIENT], "its daemon has ended");
}

/// A folder with a server that starts and never gets ready.
fn stuck(scratch: &Scratch) -> PathBuf {
    let folder = scratch.join("servers");
    std::fs::create_dir(&folder).expect("a fresh directory");
    let script = folder.join("nvidia-cuda-mps-server");
    // By a name of its own, so that it is nobody's orphan.
    std::fs::write(&script, "#!/bin/sh\nexec sleep 1000\n").expect("a fresh directory");
    set_mode(&script, 0o755);
    folder
}

/// The real driver library on the real daemon, whose server never gets ready: it would wait for ever.
#[test]
fn a_server_that_does_not_get_ready_is_not_waited_for() {
    let (Some(control), Some(driver)) = (real::mps_control(), real::libcuda()) else { return };
    let program = Program::new();
    let place = program.scratch.join("pipes");
    let daemon = Daemon::with(&control, &place, &stuck(&program.scratch));
    let start = |wants: &str| {
        let mut command = Command::new(&program.path);
        command
            .env("LD_PRELOAD", support::sabotaged())
            .env("LD_LIBRARY_PATH", &driver)
            .env("CUOTA_SABOTAGE", "patience:mps")
            .env("CUOTA_MPS", wants)
            .env("CUOTA_DIR", program.scratch.path())
            .env("CUOTA_STRICT", "0")
            .env("CUDA_MPS_PIPE_DIRECTORY", &place);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let output = start("require").wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), CONNECTION_FAILED, "{said}");
    assert!(said.contains("has not come back") && said.contains("INITIALIZING"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    // Who does not require it waits, and is told why; and when the daemon dies meanwhile, that it has.
    let mut waits = start("prefer");
    let mut err = BufReader::new(waits.stderr.take().expect("piped"));
    let mut line = String::new();
    err.read_line(&mut line).expect("text");
    assert!(line.contains("warn") && line.contains("has not come back"), "{line}");
    daemon.signal(libc::SIGKILL);
    let output = waits.wait_with_output().expect("it ends");
    let mut said = String::new();
    err.read_to_string(&mut said).expect("text");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), CONNECTION_FAILED, "{said}");
    assert!(said.contains("answered 805") && said.contains("cuota mps status"), "{said}");
}

/// One user's clients at a time: another's wait, and that is said.
#[test]
fn another_users_turn_is_not_waited_for_without_end() {
    let mut crowd = Crowd::new(1024);
    crowd.for_everybody();
    let library = crowd.scratch.join("libcuota.so");
    std::fs::copy(support::sabotaged(), &library).expect("the scratch directory is writable");
    let place = crowd.scratch.join("pipes");
    let Some(control) = real::mps_control() else { return };
    let _daemon = Daemon::start(&control, &place);
    crowd.set("CUOTA_SIM_MPS", "1");
    crowd.set("CUDA_MPS_PIPE_DIRECTORY", place.to_str().expect("a plain path"));
    crowd.set("CUOTA_SABOTAGE", "patience:mps");
    let first = crowd.enter();
    if !may_be_another() {
        return;
    }
    for name in ["machine", "calls", "names"] {
        set_mode(&crowd.scratch.join("sim").join(name), 0o666);
    }
    crowd.set("CUOTA_MPS", "require");
    crowd.set("CUOTA_VRAM", "");
    let other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let mut waits = crowd.member_by(&other);
    assert_eq!(waits.tell("init"), 805);
    let said = waits.end();
    assert!(said.contains("serves another user"), "{said}");
    drop(first);
    // And a directory that is closed to it.
    set_mode(&place, 0o700);
    let mut shut_out = crowd.member_by(&other);
    assert_eq!(shut_out.tell("init"), 805);
    let said = shut_out.end();
    assert!(said.contains("may not be used by this user"), "{said}");
}

fn may_be_another() -> bool {
    let tried = Command::new("setpriv").args(["--reuid=65534", "true"]).status();
    let may = tried.is_ok_and(|tried| tried.success());
    if !may {
        eprintln!("skipped: nobody else can be played here (needs root)");
    }
    may
}
