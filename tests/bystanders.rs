//! Programs that never touch CUDA behave under the preload as without it, and leave no trace of us.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Run, Scratch, Way, built, library, simulator};

/// The same exit status and output with and without us, and no tally: nothing of ours ran.
fn unnoticed(run: impl Fn(Way) -> Run) {
    let (bare, with) = (run(Way::Bare).any(), run(Way::Preloaded).any());
    assert_eq!(with.output, bare.output);
    assert!(with.tally().is_none(), "something of ours ran");
}

fn there(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).exists());
    if !found {
        eprintln!("skipped: no {program} on this machine");
    }
    found
}

#[test]
fn shells_and_their_children() {
    unnoticed(|way| {
        Run::new("/bin/sh", way).arg("-c").arg("for i in 1 2 3; do echo $i | cat; done; exit 3")
    });
    unnoticed(|way| {
        Run::new("bash", way).arg("-c").arg("set -o pipefail; (echo a; exit 4) | cat; kill -9 $$")
    });
}

#[test]
fn python() {
    let program = "import ctypes, json, ssl, sqlite3, subprocess, threading; print(ctypes.CDLL(None).getpid() > 0); \
                   print(hasattr(ctypes.CDLL(None), 'cuInit')); print(subprocess.run(['true']).returncode)";
    unnoticed(|way| Run::new("python3", way).arg("-c").arg(program));
}

#[test]
fn a_static_program() {
    let scratch = Scratch::new();
    let program = scratch.compile("plain.c", "static", &["-static"]);
    unnoticed(|way| Run::new(&program, way));
}

#[test]
fn a_storm_of_threads_and_forks() {
    let scratch = Scratch::new();
    let program = scratch.compile("forks.c", "forks", &[]);
    unnoticed(|way| Run::new(&program, way));
}

#[test]
fn an_allocator_that_calls_dlsym_from_inside_malloc() {
    let scratch = Scratch::new();
    let program = scratch.compile("early.c", "early", &[]);
    unnoticed(|way| Run::new(&program, way));
}

#[test]
fn somebody_who_wraps_dlsym() {
    let scratch = Scratch::new();
    let interposer = scratch.compile("interposer.c", "libinterposer.so", &["-shared", "-fPIC"]);
    let program = scratch.compile("probe.c", "probe", &[]);
    let run = |list: &[&Path]| {
        let list: Vec<_> = list.iter().map(|path| path.display().to_string()).collect();
        let run = Run::new(&program, Way::Bare).env("LD_PRELOAD", list.join(":"));
        run.arg("self,getpid,default:malloc,default:nosuch,next:getpid,next:nosuch").ok().output
    };
    let bare = run(&[&interposer]);
    assert_eq!(run(&[&interposer, &library()]), bare);
    assert_eq!(run(&[&library(), &interposer]), bare);
}

#[test]
fn statically_linked_sanitizers() {
    let scratch = Scratch::new();
    for (name, arguments) in [
        ("address", ["-fsanitize=address", "-static-libasan"]),
        ("thread", ["-fsanitize=thread", "-static-libtsan"]),
        ("undefined", ["-fsanitize=undefined", "-static-libubsan"]),
    ] {
        // A sanitizer's checks of link order compare preloads with its own runtime: it has none here.
        let program = scratch.compile("plain.c", name, &arguments);
        unnoticed(|way| Run::new(&program, way));
    }
}

#[test]
fn under_valgrind() {
    if !there("valgrind") {
        return;
    }
    let scratch = Scratch::new();
    let program = scratch.compile("plain.c", "plain", &[]);
    let run = |way| {
        Run::new("valgrind", way)
            .arg("-q")
            .arg("--error-exitcode=5")
            .arg("--leak-check=full")
            .arg(&program)
    };
    let (bare, with) = (run(Way::Bare).ok(), run(Way::Preloaded).ok());
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
    // One that opens libraries: looking at what they need must not look like loading them.
    let python = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .expect("python3");
    let python = String::from_utf8_lossy(&python.stdout).trim().to_string();
    Run::new("valgrind", Way::Preloaded).arg("-q").arg(python).arg("-c").arg("import decimal").ok();
    let linked = scratch.compile_linked("storm.c", "storm", &[]);
    let outcome = Run::new("valgrind", Way::Preloaded)
        .arg("-q")
        .arg("--error-exitcode=5")
        .arg(&linked)
        .arg("4")
        .ok();
    outcome.assert_counts(&[("cuDeviceGetCount", 4)]);
}

#[test]
fn a_program_that_only_asks_whether_there_is_cuda() {
    let scratch = Scratch::new();
    let program = scratch.compile("probe.c", "probe", &[]);
    let nowhere = scratch.path();
    unnoticed(|way| Run::on(&program, way, nowhere).arg("noload,open,self,getpid,default:getpid"));
}

/// `LD_PRELOAD` reaches NVIDIA's own services, which serve every client: there we do nothing.
#[test]
fn inert_in_nvidias_own_services() {
    let scratch = Scratch::new();
    for (name, inert) in [
        ("nvidia-cuda-mps-server", true),
        ("nvidia-cuda-mps-control", true),
        ("nvidia-persistenced", true),
        ("nv-hostengine", true),
        ("my-server", false),
    ] {
        let program = scratch.compile("opened.c", name, &[]);
        let run = |way| {
            Run::new(&program, way).arg("libcuda.so.1").arg("n").arg("cuGetProcAddress_v2").ok()
        };
        let (bare, with) = (run(Way::Bare), run(Way::Preloaded));
        assert_eq!(with.out(), bare.out());
        assert_eq!(with.tally().is_none(), inert, "{name}");
        assert_eq!(with.driver_calls(), bare.driver_calls());
    }
}

#[test]
fn the_real_mps_server_does_not_notice_us() {
    let Some(server) = support::real::mps_server() else { return };
    let driver = support::real::libcuda().expect("it comes with the server");
    // Started by hand, without its daemon and without a GPU, it says so and ends.
    unnoticed(|way| Run::on(&server, way, &driver));
}

#[test]
fn switched_off_it_passes_straight_through() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("linked.c", "linked", &[]);
    let run = |way| Run::new(&program, way).env("CUOTA_DISABLE", "1").ok();
    let (bare, with) = (run(Way::Bare), run(Way::Preloaded));
    assert_eq!((with.out(), with.err()), (bare.out(), bare.err()));
    assert_eq!(with.driver_calls(), bare.driver_calls());
}

/// Whatever is logged goes to standard error, a line each, under our name.
#[test]
fn no_line_of_ours_reaches_standard_output() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("linked.c", "linked", &[]);
    let bare = Run::new(&program, Way::Bare).ok();
    let run = Run::new(&program, Way::Preloaded)
        .env("CUOTA_LOG", "debug")
        .env("CUOTA_DISABLE", "perhaps");
    let loud = run.ok();
    assert_eq!(loud.out(), bare.out());
    assert!(
        loud.err().contains("CUOTA_DISABLE=\"perhaps\" is ignored: it takes 0 or 1\n"),
        "{}",
        loud.err()
    );
    assert!(loud.err().lines().all(|line| line.starts_with("cuota: ")), "{}", loud.err());
    let quiet = Run::new(&program, Way::Preloaded)
        .env("CUOTA_LOG", "off")
        .env("CUOTA_DISABLE", "perhaps")
        .ok();
    assert_eq!(quiet.err(), "");
}

/// A line nobody reads, or nobody has room for, is dropped: it neither kills the program nor holds it.
#[test]
fn a_log_line_harms_nobody() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("linked.c", "linked", &[]);
    let quiet = scratch.compile("quiet.c", "quiet", &[]);
    for how in ["broken", "full"] {
        Run::new(&quiet, Way::Preloaded).env("CUOTA_LOG", "debug").arg(how).arg(&program).ok();
    }
}

/// Who closes standard error gets its number for whatever is opened next: that is data, unless it is
/// something that anybody may write a line to.
#[test]
fn a_log_line_is_no_part_of_a_programs_data() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("reused.c", "reused", &[]);
    // What follows is given to a shell, which starts the program as its user would.
    for (how, redirection, is_said) in [
        ("kept", "2>log", true),
        ("kept", "2>>log", true),
        ("back", "2>log", true),
        ("kept", "2>&-", false),
        ("closed", "", false),
        ("data", "", false),
        ("data", "2>log", false),
        ("data", "2>&-", false),
        ("socket", "", false),
        ("log", "", true),
        ("log", "2>&-", true),
        ("pipe", "2>log", true),
    ] {
        let run = Run::new("/bin/sh", Way::Preloaded).env("CUOTA_LOG", "perhaps");
        let place = scratch.path().display().to_string();
        let script = format!("cd {place} && exec {} {how} {redirection}", program.display());
        let _ = std::fs::remove_file(scratch.join("log"));
        let outcome = run.arg("-c").arg(script).ok();
        let data = outcome.out();
        let log = std::fs::read_to_string(scratch.join("log")).unwrap_or_default();
        let said = format!("{data}{log}").contains("cuota: warn: CUOTA_LOG");
        assert_eq!(said, is_said, "{how} {redirection}: {data:?}, {log:?}, {:?}", outcome.err());
        assert_eq!(outcome.err(), "", "{how} {redirection}");
        if how == "data" {
            assert_eq!(data, "data 0\n", "{redirection}");
        }
    }
}

/// Many processes start to count in one file at once: nothing is lost.
#[test]
fn a_tally_is_shared_from_the_first_call() {
    let scratch = Scratch::new();
    let program = scratch.compile_linked("storm.c", "storm", &[]);
    for round in 0..10 {
        let tally = scratch.join(format!("tally{round}"));
        let start = || {
            let mut command = Command::new(&program);
            command.arg("2").env("LD_PRELOAD", library()).env("LD_LIBRARY_PATH", simulator(""));
            command.env("CUOTA_TALLY", &tally).env_remove("CUOTA_SIM").spawn().expect("it starts")
        };
        let children: Vec<_> = (0..12).map(|_| start()).collect();
        for mut child in children {
            assert!(child.wait().is_ok_and(|status| status.success()));
        }
        let report = cuota_core::tally::Report::read_file(&tally).expect("it was counted");
        let line = report.entries.iter().find(|line| line.name == "cuInit").expect("a known name");
        assert_eq!(line.calls, 24);
    }
}

#[test]
fn what_was_built_is_where_it_was_promised() {
    for name in ["libcuota.so", "cuota", "sim/libcuda.so.1", "sim/libnvidia-ml.so.1"] {
        built(name);
    }
    assert!(simulator("535").join("libcuda.so.1").exists());
    assert!(
        Command::new("true")
            .env("LD_PRELOAD", library())
            .status()
            .is_ok_and(|status| status.success())
    );
}
