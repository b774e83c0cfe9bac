//! Options of `cuota run` about the client: they reach the command as variables, and what the
//! library could not go on with is said before anything is started.

mod common;

use std::fs;
use std::process::Command;

use common::member::{GIB, Member, on_card};
use common::{Folder, cuota, ended};

const PRINT: &str =
    "echo $CUOTA_VRAM,$CUOTA_CLIENT,$CUOTA_LABELS,$CUOTA_VIEW,$CUOTA_STRICT,$CUOTA_DIR";

/// `cuota run` of a command that would leave a mark.
fn run(folder: &Folder, options: &[&str]) -> Command {
    let mut command = cuota(["run"]);
    command.args(options).args(["--", "touch"]).arg(folder.path("mark"));
    command.env("CUOTA_DIR", folder.ledgers());
    command
}

/// It does not start, and says why.
fn not_started(folder: &Folder, command: &mut Command) -> String {
    let (status, out, err) = ended(command);
    assert_eq!((status, out.as_str()), (Some(125), ""), "{err}");
    assert!(!folder.path("mark").exists(), "it was started: {err}");
    err.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn started(folder: &Folder, command: &mut Command) {
    let (status, _, err) = ended(command);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    fs::remove_file(folder.path("mark")).expect("it was started");
}

#[test]
fn options_reach_the_command_and_come_before_its_environment() {
    let folder = Folder::new("options");
    let directory = folder.ledgers();
    let mut command = cuota(["run", "--vram", "50%,GPU-63756f74-6173-696d-0000-000000000001=4GiB"]);
    command.args(["--client", "pod-1", "--labels", "a=b,c=d", "--view", "device", "--strict", "0"]);
    command.args(["--dir", "ledgers", "--", "sh", "-c", PRINT]).current_dir(folder.path(""));
    for (name, value) in [("CUOTA_CLIENT", "pod-2"), ("CUOTA_VIEW", "slice"), ("CUOTA_VRAM", "x")] {
        command.env(name, value);
    }
    let (status, out, err) = ended(&mut command);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let vram = "50%,GPU-63756f74-6173-696d-0000-000000000001=4GiB";
    assert_eq!(out, format!("{vram},pod-1,a=b,c=d,device,0,{}\n", directory.display()));
}

#[test]
fn each_run_is_a_client_of_its_own_unless_one_is_named() {
    let client = |command: &mut Command| ended(command).1.trim_end().to_owned();
    let run = || cuota(["run", "sh", "-c", "echo $CUOTA_CLIENT"]);
    let (one, other) = (client(&mut run()), client(&mut run()));
    assert_ne!(one, other);
    for name in [one, other] {
        assert!(name.starts_with("run-") && cuota_core::config::is_client_name(&name), "{name}");
    }
    assert_eq!(client(run().env("CUOTA_CLIENT", "mine")), "mine");
    assert!(client(run().env("CUOTA_CLIENT", "")).starts_with("run-"));
}

#[test]
fn a_bad_option_is_said_in_the_librarys_words_whatever_the_strictness() {
    let folder = Folder::new("bad-options");
    for (option, value, variable, takes) in [
        ("--vram", "lots", "CUOTA_VRAM", "a size above 0"),
        ("--client", "a/b", "CUOTA_CLIENT", "1 to 63 letters"),
        ("--labels", "a", "CUOTA_LABELS", "up to 16 NAME=VALUE"),
        ("--view", "both", "CUOTA_VIEW", "slice or device"),
        ("--strict", "yes", "CUOTA_STRICT", "0 or 1"),
    ] {
        let said = not_started(&folder, run(&folder, &[option, value]).env("CUOTA_STRICT", "0"));
        let words = format!("{variable}={value:?} cannot be read: it takes {takes}");
        assert!(said.contains(&words), "{said}");
        not_started(&folder, &mut run(&folder, &[option, ""]));
    }
}

#[test]
fn what_would_make_cu_init_fail_keeps_the_command_from_starting() {
    let folder = Folder::new("strict");
    let said = not_started(&folder, run(&folder, &[]).env("CUOTA_VRAM", "lots"));
    assert!(
        said.contains("not started: CUOTA_VRAM=\"lots\"") && said.contains("--strict 0"),
        "{said}"
    );
    let said = not_started(&folder, run(&folder, &["--vram", "1g"]).env("CUOTA_RING", "1"));
    assert!(said.contains("CUOTA_RING"), "{said}");
    started(&folder, run(&folder, &["--strict", "0"]).env("CUOTA_VRAM", "lots"));
    started(&folder, run(&folder, &[]).env("CUOTA_VIEW", "both"));
    started(&folder, run(&folder, &[]).env("CUOTA_VRAM", "lots").env("CUOTA_DISABLE", "1"));
}

#[test]
fn a_quota_whose_ledger_cannot_be_used_keeps_the_command_from_starting() {
    let folder = Folder::new("ledger");
    let missing = folder.path("missing").display().to_string();
    let limited = ["--vram", "1g", "--client", "pod-1"];
    let elsewhere = ["--vram", "1g", "--dir", &missing];
    let said = not_started(&folder, &mut run(&folder, &elsewhere));
    assert!(said.contains(&format!("not started: the ledger directory {missing}")), "{said}");
    started(&folder, &mut run(&folder, &["--vram", "1g", "--dir", &missing, "--strict", "0"]));
    started(&folder, &mut run(&folder, &["--dir", &missing]));
    let taken = folder.ledgers().join("pod-1.v1.cuota");
    fs::write(&taken, "text").expect("ours");
    let said = not_started(&folder, &mut run(&folder, &limited));
    assert!(said.contains("pod-1.v1.cuota is not a ledger this cuota can use"), "{said}");
    fs::remove_file(&taken).expect("ours");
    started(&folder, &mut run(&folder, &limited));
    assert_eq!(fs::read_dir(folder.ledgers()).expect("there").count(), 0, "looked at, not made");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path("ledgers"), mode).expect("ours");
    let mut open_to_all = cuota(["run", "--vram", "1g", "--dir"]);
    open_to_all.arg(folder.path("ledgers")).args(["--", "touch"]).arg(folder.path("mark"));
    let said = not_started(&folder, &mut open_to_all);
    assert!(said.contains("others could replace what is in it"), "{said}");
}

#[test]
fn a_program_has_the_quota_and_runs_of_one_name_share_it() {
    let folder = Folder::new("shares");
    let directory = folder.ledgers();
    let member = |client: &[&str]| {
        let mut command = cuota(["run", "--vram", "4GiB"]);
        let program = env!("CARGO_BIN_EXE_cuota");
        command.args(client).args(["--", program, "demo-client", "driver"]);
        Member::of(on_card(&mut command, &folder, &directory))
    };
    let (mut one, mut two) = (member(&["--client", "a"]), member(&["--client", "a"]));
    let mut alone = member(&[]);
    assert!(one.takes(3 * GIB) && !two.takes(2 * GIB) && two.takes(GIB) && !one.takes(1));
    assert!(alone.takes(4 * GIB) && !alone.takes(1));
    let (status, out, _) = ended(cuota(["ps", "--dir"]).arg(&directory));
    assert_eq!(status, Some(0));
    assert!(out.contains(&format!("run-{}-", alone.id())), "{out}");
}
