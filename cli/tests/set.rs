//! `cuota set`: another limit for a client that runs, in force at once, or a word on why not.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::member::{GIB, Member};
use common::{Folder, cuota, ended};
use serde_json::Value;

fn set(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = cuota(["set"]);
    command.args(arguments).env("CUOTA_DIR", folder.ledgers());
    command
}

/// It succeeds without a warning; what it says.
fn done(folder: &Folder, arguments: &[&str]) -> String {
    let (status, out, err) = ended(&mut set(folder, arguments));
    assert_eq!((status, err.as_str()), (Some(0), ""), "{arguments:?}: {out}");
    out
}

/// It fails and changes nothing; what it says, in one line.
fn refused(folder: &Folder, arguments: &[&str], expected: i32) -> String {
    let (status, out, err) = ended(&mut set(folder, arguments));
    assert_eq!((status, out.as_str()), (Some(expected), ""), "{arguments:?}: {err}");
    err.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn devices(folder: &Folder) -> Value {
    let (_, out, _) = ended(cuota(["ps", "--json", "--dir"]).arg(folder.ledgers()));
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    report["clients"][0]["devices"].clone()
}

#[test]
fn a_raised_limit_is_in_force_at_once_and_marked() {
    let folder = Folder::new("set-raise");
    folder.ledgers();
    let mut member = Member::start(&folder, "pod-1", &[("CUOTA_VRAM", "2GiB")]);
    assert!(member.takes(2 * GIB) && !member.takes(GIB));
    let said = done(&folder, &["pod-1", "--vram", "4GiB"]);
    assert_eq!(said, "pod-1 on 0 GPU-63756f74: 2 GiB -> 4 GiB, holds 2 GiB\n");
    assert!(member.takes(2 * GIB) && !member.takes(1));
    let device = &devices(&folder)[0];
    assert_eq!((&device["limit"], &device["by_command"]), (&(4 * GIB).into(), &true.into()));
    let (_, out, _) = ended(cuota(["ps", "--dir"]).arg(folder.ledgers()));
    assert!(out.contains("4 GiB* ") && out.contains("\n* set by command"), "{out}");
    // Until the last member is gone: then the environment decides anew.
    drop(member);
    let mut next = Member::start(&folder, "pod-1", &[("CUOTA_VRAM", "1GiB")]);
    assert!(next.takes(GIB) && !next.takes(1));
    assert_eq!(devices(&folder)[0]["by_command"], false);
}

#[test]
fn a_limit_below_what_is_held_takes_nothing_away() {
    let folder = Folder::new("set-lower");
    folder.ledgers();
    let mut member = Member::start(&folder, "pod-1", &[]);
    assert!(member.takes(3 * GIB));
    let (status, out, err) = ended(&mut set(&folder, &["pod-1", "--vram", "1GiB"]));
    assert_eq!(status, Some(0));
    assert_eq!(out, "pod-1 on 0 GPU-63756f74: none -> 1 GiB, holds 3 GiB\n");
    let err = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(err.contains("nothing is taken away") && err.contains("until 2 GiB is freed"), "{err}");
    assert!(!member.takes(1));
    assert_eq!(devices(&folder)[0]["used"], 3 * GIB);
    assert!(done(&folder, &["pod-1", "--vram", "none"]).contains("1 GiB -> none"));
    assert!(member.takes(GIB));
}

#[test]
fn all_devices_or_one_and_parts_of_a_device() {
    let folder = Folder::new("set-devices");
    folder.ledgers();
    let _member = Member::start(&folder, "pod-1", &[("CUOTA_SIM_CARDS", "2")]);
    let limits = || [0, 1].map(|index| devices(&folder)[index]["limit"].as_u64());
    done(&folder, &["pod-1", "--vram", "50%"]);
    assert_eq!(limits(), [Some(8 * GIB); 2]);
    done(&folder, &["pod-1", "--vram", "3g", "--device", "1"]);
    assert_eq!(limits(), [Some(8 * GIB), Some(3 * GIB)]);
    let uuid = devices(&folder)[0]["uuid"].as_str().expect("text").to_owned();
    assert_eq!(done(&folder, &["pod-1", "--vram", "none", "--device", &uuid]).lines().count(), 1);
    assert_eq!(limits(), [None, Some(3 * GIB)]);
    done(&folder, &["pod-1", "--vram", &format!("{uuid}=5GiB,6GiB")]);
    assert_eq!(limits(), [Some(5 * GIB), Some(6 * GIB)]);
    let said = refused(&folder, &["pod-1", "--vram", "1g", "--device", "GPU-"], 1);
    assert!(said.contains("no device"), "{said}");
    // The simulated cards' UUIDs begin alike.
    let said = refused(&folder, &["pod-1", "--vram", "1g", "--device", "GPU-63756f74"], 1);
    assert!(said.contains("several devices") && said.contains(&uuid), "{said}");
    assert_eq!(limits(), [Some(5 * GIB), Some(6 * GIB)]);
}

#[test]
fn who_is_not_there_is_said_and_nothing_is_made() {
    let folder = Folder::new("set-nobody");
    let ledgers = folder.ledgers();
    let said = refused(&folder, &["pod-1", "--vram", "1g"], 1);
    assert!(said.contains("no client \"pod-1\""), "{said}");
    assert_eq!(fs::read_dir(&ledgers).expect("there").count(), 0, "no ledger is made");
    let member = Member::start(&folder, "pod-2", &[("CUOTA_VRAM", "2GiB")]);
    let said = refused(&folder, &["pod-1", "--vram", "1g"], 1);
    assert!(said.contains("Clients there: pod-2"), "{said}");
    member.killed();
    let said = refused(&folder, &["pod-2", "--vram", "1g"], 1);
    assert!(said.contains("the next member's environment (CUOTA_VRAM) decides anew"), "{said}");
    assert_eq!(devices(&folder)[0]["limit"], 2 * GIB);
    fs::write(ledgers.join("bad.v1.cuota"), "no ledger").expect("ours");
    let said = refused(&folder, &["bad", "--vram", "1g"], 1);
    assert!(said.contains("bad.v1.cuota is not a ledger"), "{said}");
    let said = refused(&folder, &["../pod-2", "--vram", "1g"], 1);
    assert!(said.contains("no client"), "{said}");
}

#[test]
fn a_size_is_read_as_the_library_reads_it_before_anything_else() {
    let folder = Folder::new("set-size");
    folder.ledgers();
    for size in ["lots", "0", "200%", "8 apples"] {
        let said = refused(&folder, &["pod-1", "--vram", size], 125);
        let words = format!("CUOTA_VRAM={size:?} cannot be read: it takes a size above 0");
        assert!(said.contains(&words), "{said}");
    }
    refused(&folder, &["pod-1"], 125);
}

#[test]
fn anothers_ledger_is_left_alone() {
    let folder = Folder::new("set-other");
    let ledgers = folder.ledgers();
    let mut member = Member::start(&folder, "pod-1", &[("CUOTA_VRAM", "2GiB")]);
    let file = ledgers.join("pod-1.v1.cuota");
    if std::os::unix::fs::chown(&file, Some(12345), None).is_err() {
        return eprintln!("skipped: only root can make a file another user's");
    }
    let said = refused(&folder, &["pod-1", "--vram", "4g"], 1);
    assert!(said.contains("not permitted") && said.contains("belongs to uid 12345"), "{said}");
    assert!(said.contains("Run the command as that user"), "{said}");
    assert!(member.takes(2 * GIB) && !member.takes(1));
    // The other way out that it names is one: a ledger made there is its group's, too.
    let mode = said.split_once("(mode ").and_then(|(_, rest)| rest.split_once(')'));
    let mode = u32::from_str_radix(mode.expect("a mode").0, 8).expect("octal");
    fs::set_permissions(&ledgers, PermissionsExt::from_mode(mode)).expect("ours");
    fs::set_permissions(&file, PermissionsExt::from_mode(0o660)).expect("ours");
    let command = &mut cuota(["set", "pod-1", "--vram", "4g", "--dir"]);
    let (status, _, err) = ended(command.arg(&ledgers));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(member.takes(2 * GIB));
}
