//! What a command prints where it cannot be written: nobody may take a part of it for all.

mod common;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::books::booked;
use common::{Folder, cuota};
use cuota_core::ledger::Change;
use cuota_core::shm::clock;

/// Whatever prints and ends by itself, or would go on for ever.
const PRINTING: [&[&str]; 18] = [
    &["ps"],
    &["ps", "--json"],
    &["bill"],
    &["bill", "--json"],
    &["bill", "--csv"],
    &["advise"],
    &["advise", "--json"],
    &["events"],
    &["events", "--json"],
    &["events", "-f"],
    &["gc", "--json"],
    &["top", "--once"],
    &["top", "--once", "--json"],
    &["top", "--json"],
    &["man"],
    &["completions", "bash"],
    &["ps", "--help"],
    &["--version"],
];

/// Runs it with that standard output; its status and what it says of it.
fn into(out: impl Into<Stdio>, command: &mut Command) -> (Option<i32>, String) {
    let ended = command.stdout(out).output().expect("the command starts");
    (ended.status.code(), String::from_utf8(ended.stderr).expect("text"))
}

fn on(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = cuota(arguments);
    command.env("CUOTA_DIR", directory);
    command
}

fn ledgers(folder: &Folder) -> PathBuf {
    let directory = folder.ledgers();
    let one = booked(&directory, "pod-1");
    one.holds(0, &[(Change::Reserve(7), 0, clock::boot_time())]);
    directory
}

#[test]
fn what_cannot_be_written_is_said_and_is_no_success() {
    let folder = Folder::new("output-full");
    let directory = ledgers(&folder);
    for arguments in PRINTING {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let (status, said) = into(full, &mut on(&directory, arguments));
        let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(status, Some(125), "{arguments:?}: {said}");
        assert!(words.contains("standard output could not be written (No space"), "{said}");
        assert_eq!(said.matches("cuota: ").count(), 1, "once: {said}");
    }
}

#[test]
fn who_reads_no_further_is_told_nothing() {
    let folder = Folder::new("output-closed");
    let directory = ledgers(&folder);
    for arguments in PRINTING {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        assert_eq!(into(writer, &mut on(&directory, arguments)), (Some(0), String::new()));
    }
}
