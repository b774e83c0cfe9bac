//! `cuota run`: the command it starts is the command asked for, and only its driver is another.

mod common;

use std::os::unix::process::ExitStatusExt;

use common::{Folder, cuota, ended, library};

const HELLO: &str = "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n";

fn preload_of(list: Option<&str>) -> String {
    let mut command = cuota(["run", "--", "sh", "-c", "printf %s \"$LD_PRELOAD\""]);
    if let Some(list) = list {
        command.env("LD_PRELOAD", list);
    }
    let (status, out, err) = ended(&mut command);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    out
}

#[test]
fn the_library_comes_after_what_is_preloaded_already_and_only_once() {
    let ours = library().display().to_string();
    assert_eq!(preload_of(None), ours);
    // libm is harmless to preload anywhere.
    assert_eq!(preload_of(Some("libm.so.6")), format!("libm.so.6:{ours}"));
    assert_eq!(preload_of(Some(&ours)), ours);
    assert_eq!(preload_of(Some(&format!("{ours} libm.so.6"))), format!("{ours} libm.so.6"));
}

#[test]
fn the_command_is_itself() {
    let status =
        |command: &[&str]| cuota(["run", "--"].iter().chain(command)).status().expect("it starts");
    assert_eq!(status(&["true"]).code(), Some(0));
    assert_eq!(status(&["sh", "-c", "exit 42"]).code(), Some(42));
    assert_eq!(status(&["sh", "-c", "kill -TERM $$"]).signal(), Some(15));
    // Not a child: the same process, by its own name, and with options that look like ours.
    let mut child = cuota(["run", "sh", "-c", "echo $$ $0 $1", "name", "--log"]);
    let child = child.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let id = child.id();
    let out = child.wait_with_output().expect("it ends").stdout;
    assert_eq!(String::from_utf8_lossy(&out), format!("{id} name --log\n"));
}

#[test]
fn settings_reach_the_command() {
    let folder = Folder::new("settings");
    let print = "echo $CUOTA_LOG $CUOTA_TALLY";
    let arguments = ["run", "--log", "debug", "--tally", "t", "--", "sh", "-c", print];
    let (status, out, _) = ended(cuota(arguments).current_dir(folder.path("")));
    assert_eq!((status, out), (Some(0), format!("debug {}\n", folder.path("t").display())));
    let (status, _, err) = ended(&mut cuota(["run", "--tally", "/no/such/t", "--", "true"]));
    assert!(status == Some(125) && err.contains("/no/such/t: no such directory"), "{err}");
}

#[test]
fn what_cannot_be_started_says_so_as_env_does() {
    let folder = Folder::new("started");
    let file = folder.file("file", "not executable").display().to_string();
    for (arguments, expected) in [
        (&["run"][..], 125),
        (&["run", "--no-such-option", "true"], 125),
        (&["run", "--log", "loud", "true"], 125),
        (&["run", "--", &file], 126),
        (&["run", "--", "/"], 126),
        (&["run", "--", "no-such-command-anywhere"], 127),
        (&["run", "--", "/no/such/command"], 127),
    ] {
        let (status, out, err) = ended(&mut cuota(arguments));
        assert_eq!((status, out.as_str()), (Some(expected), ""), "{arguments:?}: {err}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_missing_library_is_looked_for_in_named_places() {
    let (status, _, err) = ended(cuota(["run", "true"]).env("CUOTA_LIB", "/no/such/libcuota.so"));
    assert_eq!(status, Some(125));
    assert!(err.contains("/no/such/libcuota.so") && err.contains("CUOTA_LIB"), "{err}");

    // Without CUOTA_LIB: beside the command, then as an installed prefix has it.
    let folder = Folder::new("prefix");
    let (bin, lib) = (folder.path("bin"), folder.path("lib"));
    std::fs::create_dir(&bin).and(std::fs::create_dir(&lib)).expect("fresh");
    folder.copied_command("bin/cuota");
    let run = || {
        let mut command = std::process::Command::new(bin.join("cuota"));
        let print = ["run", "sh", "-c", "echo $LD_PRELOAD"];
        ended(command.args(print).env_remove("CUOTA_LIB").env_remove("LD_PRELOAD"))
    };
    let (status, _, err) = run();
    let (beside, installed) = (bin.join("libcuota.so"), lib.join("libcuota.so"));
    assert_eq!(status, Some(125));
    for place in [&beside, &installed] {
        assert!(err.contains(&place.display().to_string()), "{err}");
    }
    for place in [&installed, &beside] {
        std::os::unix::fs::symlink(library(), place).expect("fresh");
        assert_eq!(run().1, format!("{}\n", place.display()));
    }
}

#[test]
fn a_file_that_is_no_library_is_refused() {
    let folder = Folder::new("nolibrary");
    let file = folder.file("libcuota.so", "text");
    let (status, _, err) = ended(cuota(["run", "true"]).env("CUOTA_LIB", file));
    assert!(status == Some(125) && err.contains("is not an ELF file"), "{err}");
    let (status, _, err) = ended(cuota(["run", "true"]).env("CUOTA_LIB", "/bin/true"));
    assert!(status == Some(125) && err.contains("/bin/true is not cuota's library"), "{err}");
}

#[test]
fn a_static_program_runs_and_is_warned_of_through_scripts_too() {
    let folder = Folder::new("static");
    let program =
        folder.compiled("hello", HELLO, &["-static"]).expect("a static libc is installed");
    let script = folder.script("script", &format!("#!{}\n", program.display()));
    for command in [&program, &script] {
        let (status, out, err) = ended(cuota(["run", "--"]).arg(command));
        assert_eq!((status, out.as_str()), (Some(0), "hello\n"));
        let err = err.split_whitespace().collect::<Vec<_>>().join(" ");
        let named = format!("{} is statically linked", program.display());
        assert!(err.starts_with("cuota: warning:") && err.contains(&named), "{err}");
    }
}

#[test]
fn a_program_of_another_machine_runs_and_is_warned_of() {
    let folder = Folder::new("machine");
    let Some(program) = folder.compiled("hello", HELLO, &["-m32"]) else {
        return eprintln!("skipped: this machine cannot compile 32-bit programs");
    };
    let (status, out, err) = ended(cuota(["run", "--"]).arg(program));
    assert_eq!((status, out.as_str()), (Some(0), "hello\n"));
    assert!(err.contains("a program for 32-bit"), "{err}");
}

#[test]
fn a_program_under_another_loader_is_started_without() {
    // Any loader that is not glibc's will do, even one that is not there.
    let folder = Folder::new("loader");
    let loader = "-Wl,--dynamic-linker=/no/such/ld-musl-x86_64.so.1";
    let program = folder.compiled("hello", HELLO, &[loader]).expect("gcc links");
    let (status, _, err) = ended(cuota(["run", "--"]).arg(program));
    assert!(err.contains("/no/such/ld-musl-x86_64.so.1"), "{err}");
    assert_eq!(status, Some(126), "its loader is not there: {err}");
}

#[test]
fn a_set_user_id_program_is_warned_of() {
    let folder = Folder::new("setuid");
    let program = folder.compiled("hello", HELLO, &[]).expect("gcc links");
    let root = std::process::Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    if !root {
        return eprintln!("skipped: only root can make a file another user's");
    }
    std::os::unix::fs::chown(&program, Some(12345), None).expect("root may");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
    std::fs::set_permissions(&program, mode).expect("root may");
    let (status, out, err) = ended(cuota(["run", "--"]).arg(program));
    assert_eq!((status, out.as_str()), (Some(0), "hello\n"));
    assert!(err.contains("set-user-ID"), "{err}");
}

#[test]
fn an_ordinary_program_is_not_warned_of() {
    let (status, _, err) = ended(&mut cuota(["run", "--", "/bin/sh", "-c", ":"]));
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

fn billed(arguments: &[&str]) -> std::process::Command {
    cuota(["run", "--bill", "--"].iter().chain(arguments))
}

#[test]
fn with_a_bill_it_ends_as_the_command_does() {
    let status = |command: &[&str]| billed(command).status().expect("it starts");
    assert_eq!(status(&["sh", "-c", "exit 42"]).code(), Some(42));
    for (name, number) in [("TERM", 15), ("KILL", 9), ("SEGV", 11)] {
        assert_eq!(status(&["sh", "-c", &format!("kill -{name} $$")]).signal(), Some(number));
    }
    let (status, out, err) = ended(&mut billed(&["no-such-command-anywhere"]));
    assert_eq!((status, out.as_str()), (Some(127), ""), "{err}");
    let (status, out, err) = ended(&mut billed(&["echo", "hello"]));
    assert_eq!((status, out.as_str()), (Some(0), "hello\n"));
    assert!(err.contains("there is no bill"), "{err}");
}

#[test]
fn with_a_bill_signals_are_the_commands_to_answer() {
    use std::io::{BufRead, BufReader};
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("QUIT", 3)] {
        // Answers, and says when it can; nothing of it is left when it ends.
        let script = format!("trap 'echo heard; exit 7' {name}; echo ready; read line");
        let mut command = billed(&["sh", "-c", &script]);
        let pipe = std::process::Stdio::piped;
        let mut child = command.stdin(pipe()).stdout(pipe()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut hear = || lines.next().expect("a line").expect("text");
        assert_eq!(hear(), "ready");
        let id = child.id().to_string();
        let kill = std::process::Command::new("kill").args([&format!("-{number}"), &id]).status();
        assert!(kill.is_ok_and(|status| status.success()));
        assert_eq!(hear(), "heard", "{name}");
        assert_eq!(child.wait().expect("it ends").code(), Some(7), "{name}");
    }
    // What is ignored stays so.
    let ignoring = "trap '' HUP; exec \"$0\" run --bill -- sh -c 'kill -HUP $$; echo alive'";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", ignoring, env!("CARGO_BIN_EXE_cuota")]).env("CUOTA_LIB", library());
    assert_eq!(ended(&mut shell).1, "alive\n");
}

#[test]
fn the_bill_is_of_what_was_used_since_the_start() {
    use common::member::{GIB, Member, on_card};
    let folder = Folder::new("run-bill");
    let ledgers = folder.ledgers();
    let mut earlier = Member::start(&folder, "pod-1", &[]);
    assert!(earlier.takes(GIB));
    earlier.killed();
    let program = env!("CARGO_BIN_EXE_cuota");
    let input = folder.file("input", &format!("take {}\n", 2 * GIB));
    for (end, status) in [("exit 5", Some(5)), ("kill -KILL $$", None)] {
        let script = format!("{program} demo-client dlsym; {end}");
        let arguments = ["run", "--bill", "--client", "pod-1", "--", "sh", "-c", &script];
        let mut command = cuota(arguments);
        on_card(&mut command, &folder, &ledgers);
        let (ended, out, err) = ended(command.stdin(std::fs::File::open(&input).expect("ours")));
        assert_eq!(ended, status, "{err}");
        assert!(out.contains("done"), "{out}");
        let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("pod-1 GPU-") && said.contains("1 joined"), "{err}");
    }
}
