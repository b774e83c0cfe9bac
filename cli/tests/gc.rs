//! `cuota gc`: what goes, what stays, and what is left of what went.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::books::{booked, booked_in};
use common::{Folder, cuota, ended};
use cuota_core::book::file_name;
use cuota_core::ledger::Change;
use cuota_core::shm::clock;
use serde_json::{Value, json};

const SECOND: u64 = 1_000_000_000;

fn gc(directory: &Path, arguments: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let command = &mut cuota(["gc", "--json", "--dir"]);
    let (status, out, err) = ended(command.arg(directory).args(arguments));
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    let removed = report["removed"].as_array().expect("a list").iter();
    let names = removed.map(|one| one["client"].as_str().expect("a name").to_owned());
    (status, names.collect(), err)
}

#[test]
fn only_what_nobody_is_in_goes_and_only_after_a_while() {
    let folder = Folder::new("gc");
    let directory = folder.ledgers();
    let (_living, recent) = (booked(&directory, "living"), booked(&directory, "recent"));
    recent.killed();
    booked_in(&directory, "earlier", [1, 2]).killed();
    let there = |client: &str| directory.join(file_name(client)).exists();

    assert_eq!(gc(&directory, &["--dry-run"]).1, ["earlier"]);
    assert!(there("earlier") && !directory.join("bills").exists(), "a dry run does nothing");
    assert_eq!(gc(&directory, &[]).1, ["earlier"]);
    assert!(!there("earlier") && there("recent") && there("living"));
    let (status, removed, err) = gc(&directory, &["--older", "0s"]);
    assert_eq!((status, removed), (Some(0), vec!["recent".to_owned()]), "{err}");
    assert!(there("living") && !there("recent"));
    assert_eq!(gc(&directory, &["--older", "0s"]).1, [""; 0]);

    // What went is billed, under its epoch, and readable by no more than its ledger was.
    let bills = directory.join("bills");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    assert_eq!(mode(&bills), 0o700);
    let names = fs::read_dir(&bills).expect("a folder").map(|entry| entry.expect("there").path());
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 2, "whole ones alone: {names:?}");
    assert!(names.iter().all(|name| mode(name) & 0o137 == 0));
    let (_, out, _) = ended(cuota(["bill", "--json", "--dir"]).arg(&directory));
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    let states = report["clients"].as_array().expect("clients").iter();
    let states: Vec<_> = states.map(|client| json!([client["client"], client["state"]])).collect();
    assert_eq!(states.len(), 3);
    for known in
        [json!(["living", "open"]), json!(["recent", "closed"]), json!(["earlier", "closed"])]
    {
        assert!(states.contains(&known), "{known}");
    }
}

#[test]
fn a_sign_of_life_is_anything_that_happened() {
    let folder = Folder::new("gc-age");
    let directory = folder.ledgers();
    let now = clock::boot_time();
    // Last seen as it gave back a second ago; but it joined just now, and so did the file.
    let one = booked(&directory, "pod-1");
    one.holds(
        0,
        &[(Change::Reserve(7), 0, now - 2 * SECOND), (Change::Refund(7), 0, now - SECOND)],
    );
    one.killed();
    assert_eq!(gc(&directory, &[]).1, [""; 0]);
    assert_eq!(gc(&directory, &["--older", "1d"]).1, [""; 0]);
    assert_eq!(gc(&directory, &["--older", "0s"]).1, ["pod-1"]);
}

#[test]
fn what_was_closed_but_not_removed_is_billed_once() {
    let folder = Folder::new("gc-twice");
    let directory = folder.ledgers();
    let one = booked(&directory, "pod-1");
    one.killed();
    let file = directory.join(file_name("pod-1"));
    let copy = folder.path("copy");
    fs::copy(&file, &copy).expect("ours");
    assert_eq!(gc(&directory, &["--older", "0s"]).1, ["pod-1"]);
    // As a machine that stopped between the two leaves it.
    fs::copy(&copy, &file).expect("ours");
    let bills = || {
        let (_, out, _) = ended(cuota(["bill", "--json", "--dir"]).arg(&directory));
        let report: Value = serde_json::from_str(&out).expect("one JSON object");
        let clients = report["clients"].as_array().expect("clients").clone();
        clients.iter().map(|client| client["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(bills(), [json!("open")]);
    assert_eq!(gc(&directory, &["--older", "0s"]).1, ["pod-1"]);
    assert_eq!(bills(), [json!("closed")]);
}

#[test]
fn what_cannot_go_is_named_and_no_bill_goes_where_others_could_replace_it() {
    let folder = Folder::new("gc-bad");
    let directory = folder.ledgers();
    booked(&directory, "pod-1").killed();
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    let bills = directory.join("bills");
    fs::create_dir(&bills).expect("ours");
    fs::set_permissions(&bills, PermissionsExt::from_mode(0o777)).expect("ours");
    let (status, removed, err) = gc(&directory, &["--older", "0s"]);
    assert_eq!((status, removed.len()), (Some(1), 0));
    assert!(err.contains("garbage.v1.cuota") && err.contains("others could replace"), "{err}");
    assert!(directory.join(file_name("pod-1")).exists(), "not without its bill");
    let (status, _, err) = ended(cuota(["gc", "--older", "5x", "--dir"]).arg(&directory));
    assert!(status == Some(125) && err.contains("10m"), "{err}");
}

#[test]
fn where_a_group_shares_the_ledgers_it_shares_their_bills() {
    let folder = Folder::new("gc-shared");
    let directory = folder.ledgers();
    fs::set_permissions(&directory, PermissionsExt::from_mode(0o3770)).expect("ours");
    booked(&directory, "pod-1").killed();
    assert_eq!(gc(&directory, &["--older", "0s"]).1, ["pod-1"]);
    let mode = fs::metadata(directory.join("bills")).expect("made").permissions().mode();
    assert_eq!(mode & 0o7777, 0o3770);
}

#[test]
fn what_stays_though_it_may_be_removed_has_no_closing_bill() {
    let folder = Folder::new("gc-stays");
    let directory = folder.ledgers();
    booked(&directory, "pod-1").killed();
    let mut command = Command::new("unshare");
    // The kernel takes nothing off its name on which something is mounted.
    let script = "mount --bind \"$2\" \"$2\" || exit 77; exec \"$0\" gc --older 0s --dir \"$1\"";
    command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", script]);
    command.arg(env!("CARGO_BIN_EXE_cuota")).arg(&directory);
    let (status, _, err) = ended(command.arg(directory.join(file_name("pod-1"))));
    if status == Some(77) || err.contains("unshare") {
        return eprintln!("skipped: nothing may be mounted here: {err}");
    }
    let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(status == Some(1) && said.contains("cannot be removed (Device"), "{said}");
    let bills = || fs::read_dir(directory.join("bills")).expect("made").count();
    assert_eq!(bills(), 0);
    assert_eq!(gc(&directory, &["--older", "0s"]).1, ["pod-1"]);
    assert_eq!(bills(), 1);
}
