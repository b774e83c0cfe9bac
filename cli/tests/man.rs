//! `cuota man` and `cuota completions`: made from the command itself, for all of it.

mod common;

use std::fs;
use std::process::Command;

use common::{Folder, cuota, ended};

/// As `cuota --help` lists them.
fn subcommands() -> Vec<String> {
    let (status, help, _) = ended(&mut cuota(["--help"]));
    assert_eq!(status, Some(0));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names: Vec<String> =
        listed.filter_map(|line| line.split_whitespace().next()).map(String::from).collect();
    assert!(names.len() > 5, "{help}");
    names
}

#[test]
fn every_command_has_a_page() {
    let folder = Folder::new("man");
    let to = folder.path("share/man1");
    let (status, out, err) = ended(cuota(["man", "--to"]).arg(&to));
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), "", ""));
    let mut expected: Vec<String> =
        subcommands().iter().map(|name| format!("cuota-{name}.1")).collect();
    // The one that has commands of its own.
    expected.extend(
        ["drain", "start", "status", "stop", "supervise"].map(|name| format!("cuota-mps-{name}.1")),
    );
    for name in &expected {
        let page = fs::read_to_string(to.join(name)).expect("a page of its own");
        assert!(page.contains(".SH DESCRIPTION") && page.contains("\\-\\-help"), "{name}: {page}");
    }
    expected.push("cuota.1".into());
    expected.sort();
    let mut written: Vec<String> = fs::read_dir(&to)
        .expect("made")
        .map(|entry| entry.expect("listed").file_name().into_string().expect("text"))
        .collect();
    written.sort();
    assert_eq!(written, expected, "what is hidden has none");

    let (status, page, _) = ended(&mut cuota(["man"]));
    assert_eq!(status, Some(0));
    assert_eq!(page, fs::read_to_string(to.join("cuota.1")).expect("written"));
    let file = folder.file("file", "");
    let (status, _, err) = ended(cuota(["man", "--to"]).arg(file.join("under")));
    assert!(status == Some(125) && err.contains("file/under"), "{err}");
}

#[test]
fn a_shell_completes_every_command() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let (status, script, err) = ended(&mut cuota(["completions", shell]));
        assert_eq!((status, err.as_str()), (Some(0), ""), "{shell}");
        for name in subcommands() {
            assert!(script.contains(&name), "{shell} does not know {name}");
        }
        // A shell that is not installed is not asked.
        let file = folder.file(shell, &script);
        if let Ok(checked) = Command::new(shell).arg("-n").arg(&file).output() {
            assert!(checked.status.success(), "{shell}: {checked:?}");
        } else {
            assert_ne!(shell, "bash", "the tests need it");
        }
    }
    let ask = format!(
        "source {} && COMP_WORDS=(cuota ev) COMP_CWORD=1 && _cuota cuota ev cuota && echo \"${{COMPREPLY[@]}}\"",
        folder.path("bash").display()
    );
    let answer = Command::new("bash").arg("-c").arg(ask).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "events\n", "{answer:?}");
}
