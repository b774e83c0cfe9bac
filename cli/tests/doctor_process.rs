//! `cuota doctor PID`: what it finds of a process is what the process is.

mod common;

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::doctor::{check, is, is_absent};
use common::member::{Member, on_card};
use common::{Folder, cuota, ended, library, simulated};
use serde_json::Value;

/// What is reported of a process, with ledgers in the folder.
fn report(folder: &Folder, pid: u32) -> (Option<i32>, Value) {
    let mut command = cuota(["doctor", "--json", &pid.to_string()]);
    let (status, out, err) = ended(command.env("CUOTA_DIR", folder.ledgers()));
    (status, serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}")))
}

/// A program that waits until it is dropped.
struct Waiting(Child);

impl Waiting {
    /// It says a line once it has started.
    fn start(command: &mut Command) -> Waiting {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        child.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("it has started");
        Waiting(child)
    }

    fn shell(set: &[(&str, &str)]) -> Waiting {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo; read line"]).env_clear().env("PATH", "/usr/bin:/bin");
        Waiting::start(shell.envs(set.iter().copied()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_member_is_well() {
    let folder = Folder::new("process-member");
    folder.ledgers();
    let member = Member::start(&folder, "one", &[("CUOTA_VRAM", "8GiB")]);
    let (status, report) = report(&folder, member.id());
    assert_eq!(status, Some(0), "{report:#}");
    is(&report, "process", "ok", "demo-client");
    is(&report, "library", "ok", library().to_str().expect("plain"));
    is(&report, "preload", "ok", "preloaded");
    is(&report, "settings", "ok", "CUOTA_VRAM=8GiB");
    is(&report, "member", "ok", "client one, and has /");
    is_absent(&report, "reach");
    // By its own settings, where this command has none.
    let mut elsewhere = cuota(["doctor", &member.id().to_string()]);
    let (status, out, _) = ended(&mut elsewhere);
    assert!(status == Some(0) && out.contains("client one"), "{out}");
}

#[test]
fn who_uses_a_gpu_outside_every_ledger_is_an_error() {
    let folder = Folder::new("process-outside");
    let libraries = simulated("").parent().expect("a folder").display().to_string();
    let mut command = cuota(["demo-client", "dlsym"]);
    on_card(&mut command, &folder, &folder.ledgers()).env("LD_LIBRARY_PATH", libraries);
    let outside = Member::of(&mut command);
    let (status, found) = report(&folder, outside.id());
    assert_eq!(status, Some(2), "{found:#}");
    is(&found, "member", "error", "is not accounted for");
    is(&found, "library", "warn", "not loaded");

    let none = folder.path("none").display().to_string();
    let lost = Member::start(&folder, "lost", &[("CUOTA_DIR", &none), ("CUOTA_LOG", "off")]);
    is(&report(&folder, lost.id()).1, "member", "error", "is no directory");

    let disabled = Member::start(&folder, "off", &[("CUOTA_DISABLE", "1")]);
    let (_, found) = report(&folder, disabled.id());
    is(&found, "member", "error", "is not accounted for");
    is(&found, "settings", "warn", "CUOTA_DISABLE=1");
}

#[test]
fn a_program_without_cuda_is_no_fault_and_its_settings_are_read() {
    let folder = Folder::new("process-plain");
    let preload = library().display().to_string();
    let quiet = Waiting::shell(&[("LD_PRELOAD", &preload)]);
    let (status, found) = report(&folder, quiet.0.id());
    assert_eq!(status, Some(0), "{found:#}");
    is(&found, "member", "info", "no GPU open");
    is(&found, "preload", "ok", "preloaded");
    let wrong = Waiting::shell(&[("CUOTA_LOG", "loud")]);
    let (_, found) = report(&folder, wrong.0.id());
    is(&found, "settings", "warn", "CUOTA_LOG");
    is(&found, "library", "warn", "not loaded");
}

#[test]
fn another_build_and_one_that_was_replaced_are_told_apart() {
    let folder = Folder::new("process-build");
    let copy = folder.path("libcuota.so");
    fs::copy(library(), &copy).expect("ours");
    let waiting = Waiting::shell(&[("LD_PRELOAD", copy.to_str().expect("plain"))]);
    is(&report(&folder, waiting.0.id()).1, "library", "info", "this command's is");
    fs::remove_file(&copy).expect("ours");
    is(&report(&folder, waiting.0.id()).1, "library", "warn", "replaced or removed");
}

#[test]
fn what_stands_in_front_is_named() {
    let folder = Folder::new("process-front");
    let other = "int cuInit(unsigned flags) { return flags; }";
    let other = folder.compiled("other.so", other, &["-shared", "-fPIC"]).expect("gcc links");
    let preload = format!("{} {}", other.display(), library().display());
    let waiting = Waiting::shell(&[("LD_PRELOAD", &preload)]);
    is(
        &report(&folder, waiting.0.id()).1,
        "preload",
        "error",
        "other.so stands before libcuota.so",
    );
    // Opened by the program itself, nobody knows after what.
    let program = "#include <dlfcn.h>\n#include <stdio.h>
        int main(int n, char **v) { dlopen(v[1], RTLD_NOW); puts(\"\"); fflush(stdout); return getchar(); }";
    let program = folder.compiled("opens", program, &["-ldl"]).expect("gcc links");
    let late = Waiting::start(Command::new(program).arg(library()).env_remove("LD_PRELOAD"));
    is(&report(&folder, late.0.id()).1, "preload", "unknown", "not preloaded");
}

#[test]
fn a_program_that_nothing_can_be_preloaded_into_is_named() {
    let folder = Folder::new("process-static");
    let program = "#include <stdio.h>
        int main(void) { puts(\"\"); fflush(stdout); return getchar(); }";
    let Some(program) = folder.compiled("static", program, &["-static"]) else {
        eprintln!("skipped: no static libc here");
        return;
    };
    let waiting = Waiting::start(&mut Command::new(program));
    is(&report(&folder, waiting.0.id()).1, "reach", "warn", "statically linked");
}

#[test]
fn what_may_not_be_read_is_unknown() {
    /// Nobody in particular.
    const OTHER: u32 = 65534;
    let folder = Folder::new("process-others");
    folder.ledgers();
    let member = Member::start(&folder, "one", &[]);
    let mut command = Command::new(folder.copied_command("cuota"));
    command.args(["doctor", "--json", &member.id().to_string()]).env_clear().uid(OTHER);
    let Ok(output) = command.output() else {
        eprintln!("skipped: only root may become another user");
        return;
    };
    let text = String::from_utf8(output.stdout).expect("text");
    let found: Value = serde_json::from_str(&text).expect("a report");
    assert_eq!(output.status.code(), Some(1), "{found:#}");
    is(&found, "process", "unknown", "may not read it");
    for id in ["library", "settings", "member"] {
        assert_eq!(check(&found, id)["severity"], "unknown", "{found:#}");
    }
}

#[test]
fn a_member_of_another_pid_namespace_is_found_by_its_number_there() {
    let folder = Folder::new("process-namespace");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--", env!("CARGO_BIN_EXE_cuota")]);
    command.args(["demo-client", "dlsym"]).env("LD_PRELOAD", library());
    on_card(&mut command, &folder, &folder.ledgers()).env("CUOTA_CLIENT", "inside");
    if !may_unshare() {
        eprintln!("skipped: no PID namespace may be made here");
        return;
    }
    let member = Member::of(&mut command);
    let children = format!("/proc/{0}/task/{0}/children", member.id());
    let inside = fs::read_to_string(PathBuf::from(&children)).expect("its child");
    let inside: u32 = inside.trim().parse().expect("one");
    let (_, found) = report(&folder, inside);
    is(&found, "member", "ok", "client inside");
}

fn may_unshare() -> bool {
    let made = Command::new("unshare").args(["--pid", "--fork", "true"]).status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn a_process_that_is_not_there_is_said_to_be_so() {
    let (status, _, err) = ended(&mut cuota(["doctor", "2147483647"]));
    assert!(status == Some(125) && err.contains("no process 2147483647"), "{err}");
    for wrong in [&["doctor", "0"][..], &["doctor", "x"], &["doctor", "--coverage", "1"]] {
        assert_eq!(ended(&mut cuota(wrong)).0, Some(125), "{wrong:?}");
    }
}

#[test]
fn a_member_that_was_told_of_mps_and_is_beside_it_is_noticed() {
    let folder = Folder::new("process-beside");
    folder.ledgers();
    let pipes = folder.path("pipes").display().to_string();
    let told = ("CUDA_MPS_PIPE_DIRECTORY", pipes.as_str());
    let quiet = ("CUOTA_LOG", "off");
    let of = |set: &[(&str, &str)]| {
        let member = Member::start(&folder, "one", set);
        report(&folder, member.id()).1
    };
    is(&of(&[told, quiet]), "mps-client", "warn", "runs beside MPS");
    is(&of(&[told, quiet, ("CUOTA_SIM_MPS", "1")]), "mps-client", "ok", "under MPS");
    is_absent(&of(&[quiet]), "mps-client");
}
