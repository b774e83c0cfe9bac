//! `cuota ps`: every ledger of a directory and who is in it, whatever else lies there.

mod common;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::member::{GIB, Member, on_card, sharing};
use common::{Folder, cuota, ended, library};
use cuota_core::book::layout::{Layout, header, text_words};
use cuota_core::book::{self, Plan};
use serde_json::{Value, json};

/// A ledger that nobody is in.
fn ledger(directory: &Path, client: &str) -> PathBuf {
    let plan = Plan {
        directory,
        make_directory: false,
        client,
        labels: "pod=a",
        layout: Layout::new(64, 64),
        boot: [0, 0],
    };
    drop(book::open(&plan).expect("a ledger can be made"));
    directory.join(book::file_name(client))
}

fn ps(directory: &Path) -> (Option<i32>, String, String) {
    ended(cuota(["ps", "--dir"]).arg(directory))
}

fn json_of(directory: &Path, status: i32) -> Value {
    let (ended, out, err) = ended(cuota(["ps", "--json", "--dir"]).arg(directory));
    assert_eq!(ended, Some(status), "{err}");
    serde_json::from_str(&out).expect("one JSON object")
}

#[test]
fn clients_their_members_and_what_they_hold() {
    let folder = Folder::new("ps");
    let directory = folder.ledgers();
    let limited = [("CUOTA_VRAM", "4GiB"), ("CUOTA_LABELS", "namespace=a,pod=b")];
    let mut one = Member::start(&folder, "pod-1", &limited);
    let mut two = Member::start(&folder, "pod-1", &[]);
    let mut free = Member::start(&folder, "free", &[]);
    assert!(one.takes(GIB) && two.takes(2 * GIB) && !one.takes(2 * GIB) && free.takes(GIB / 2));

    let report = json_of(&directory, 0);
    assert_eq!(report["directory"], json!([directory]));
    assert_eq!(report["unreadable"], json!([]));
    assert_eq!(report["clients"][0]["client"], "free", "by name");
    let client = &report["clients"][1];
    assert_eq!(client["labels"], json!({ "namespace": "a", "pod": "b" }));
    assert!(client["epoch"].is_u64() && client["created_unix"].as_u64() > Some(1_600_000_000));
    let device = &client["devices"][0];
    let uuid = device["uuid"].as_str().expect("text");
    let expected = json!({
        "uuid": uuid, "total": 16 * GIB, "sms": 132, "limit": 4 * GIB, "by_command": false, "used": 3 * GIB,
        "untracked": 0, "idle": 0, "peak": 3 * GIB, "refused": 1, "refused_bytes": 2 * GIB,
    });
    assert_eq!(*device, expected);
    assert_eq!(report["clients"][0]["devices"][0]["limit"], Value::Null);
    let first = &client["members"][0];
    assert_eq!((&first["pid"], &first["name"]), (&json!(one.id()), &json!("cuota")));
    assert_eq!((&first["alive"], &first["id"]), (&json!(true), &json!(1)));
    assert_eq!(first["devices"], json!([{ "uuid": uuid, "used": GIB, "untracked": 0, "idle": 0 }]));

    let (status, out, err) = ps(&directory);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    let short = &uuid[..12];
    let (one_id, two_id, free_id) =
        (one.id().to_string(), two.id().to_string(), free.id().to_string());
    assert_eq!(
        lines[1..],
        [
            vec!["free", "0", short, "512", "MiB", "-", "512", "MiB", "0", "B", "0"],
            vec![&free_id, "cuota", "512", "MiB"],
            vec!["pod-1", "0", short, "3", "GiB", "4", "GiB", "3", "GiB", "0", "B", "1"],
            vec![&two_id, "cuota", "2", "GiB"],
            vec![&one_id, "cuota", "1", "GiB"],
        ],
        "{out}"
    );
    assert!(out.lines().all(|line| line.len() <= 80), "{out}");

    // One client alone, and of its members the living.
    two.killed();
    let (status, out, _) = ended(cuota(["ps", "pod-1"]).env("CUOTA_DIR", &directory));
    assert_eq!(status, Some(0));
    assert!(out.contains("1 GiB") && !out.contains(&two_id) && !out.contains("free"), "{out}");
    let client = &json_of(&directory, 0)["clients"][1];
    assert_eq!(
        (&client["devices"][0]["used"], &client["members"][1]["alive"]),
        (&json!(GIB), &json!(false))
    );
}

#[test]
fn a_directory_without_ledgers_is_no_failure_and_one_that_is_not_there_is() {
    let folder = Folder::new("ps-empty");
    let directory = folder.ledgers();
    let (status, out, err) = ps(&directory);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let said = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said, format!("no client in {}", directory.display()));
    let empty = json!({ "directory": [directory], "clients": [], "unreadable": [] });
    assert_eq!(json_of(&directory, 0), empty);
    let (status, out, err) = ps(&folder.path("missing"));
    assert!(status == Some(125) && out.is_empty() && err.contains("missing"), "{err}");
    let (status, _, err) = ended(cuota(["ps"]).env("CUOTA_DIR", "here"));
    assert!(status == Some(125) && err.contains("CUOTA_DIR=\"here\" cannot be read"), "{err}");
    ledger(&directory, "somebody");
    let (status, _, err) = ended(cuota(["ps", "nobody", "--dir"]).arg(&directory));
    assert!(status == Some(1) && err.contains("Clients there: somebody"), "{err}");
}

#[test]
fn what_cannot_be_read_is_named_and_hides_nothing() {
    let folder = Folder::new("ps-bad");
    let directory = folder.ledgers();
    ledger(&directory, "good");
    fs::write(directory.join("garbage.v1.cuota"), [7; 8192]).expect("ours");
    fs::write(directory.join("empty.v1.cuota"), "").expect("ours");
    let cut = ledger(&directory, "cut");
    fs::OpenOptions::new()
        .write(true)
        .open(&cut)
        .and_then(|file| file.set_len(9000))
        .expect("ours");
    fs::create_dir(directory.join("folder.v1.cuota")).expect("ours");
    symlink("good.v1.cuota", directory.join("link.v1.cuota")).expect("ours");
    fs::copy(directory.join("good.v1.cuota"), directory.join("copy.v1.cuota")).expect("ours");
    fs::write(directory.join("notes.txt"), "no ledger").expect("ours");
    let (status, out, err) = ps(&directory);
    assert_eq!(status, Some(1));
    assert!(out.contains("\ngood ") && out.contains("no member runs"), "{out}");
    let names = ["garbage", "empty", "cut", "folder", "link", "copy"];
    for name in names {
        assert!(err.contains(&format!("{name}.v1.cuota")) && !out.contains(name), "{name}: {err}");
    }
    assert!(!err.contains("notes") && !err.contains("good.v1"), "{err}");
    let said = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("link.v1.cuota is a symbolic link"), "as the library says it: {err}");
    let report = json_of(&directory, 1);
    assert_eq!(report["clients"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["unreadable"].as_array().map(Vec::len), Some(names.len()));
    let (status, _, err) = ended(cuota(["ps", "cut", "--dir"]).arg(&directory));
    assert!(status == Some(1) && err.contains("cut short") && !err.contains("garbage"), "{err}");
}

#[test]
fn a_file_one_may_not_read_is_named() {
    let folder = Folder::new("ps-mode");
    let directory = folder.ledgers();
    ledger(&directory, "good");
    let secret = ledger(&directory, "secret");
    fs::set_permissions(directory.join("good.v1.cuota"), PermissionsExt::from_mode(0o644))
        .expect("ours");
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).expect("ours");
    // Root reads everything: as somebody else, with a copy of the command that one may execute.
    fs::set_permissions(folder.path(""), PermissionsExt::from_mode(0o755)).expect("ours");
    let mut command = Command::new(folder.copied_command("cuota"));
    command.args(["ps", "--dir"]).arg(&directory);
    if fs::metadata(&directory).is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
        command.uid(65534).gid(65534);
    }
    let (status, out, err) = ended(&mut command);
    assert_eq!(status, Some(1), "{err}");
    assert!(out.contains("\ngood ") && !out.contains("secret"), "{out}");
    assert!(err.contains("secret.v1.cuota") && err.contains("Permission denied"), "{err}");
}

#[test]
fn thirty_clients_fit_the_screen() {
    let folder = Folder::new("ps-many");
    let directory = folder.ledgers();
    let mut names: Vec<String> = (0..29).map(|number| format!("client-{number:02}")).collect();
    names.push("pod-6e5b8f0c-93a1-4f27-b1d0-2c7e9a4d5f31".into());
    names.iter().for_each(|name| drop(ledger(&directory, name)));
    let _one = Member::start(&folder, &names[29], &[]);
    let (status, out, err) = ps(&directory);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.lines().all(|line| line.len() <= 80), "{out}");
    let shown = out.lines().filter_map(|line| line.split_whitespace().next());
    let shown: Vec<&str> = shown.filter(|word| names.iter().any(|name| name == word)).collect();
    assert_eq!(shown, names, "each once and whole, by name");
}

fn steers(text: &str) -> bool {
    text.chars().any(|letter| letter != '\n' && (letter.is_control() || letter == '\u{202e}'))
}

#[test]
fn nothing_that_others_wrote_steers_the_terminal() {
    let folder = Folder::new("ps-hostile");
    let directory = folder.ledgers();
    let hostile = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{7f}";
    // A process's name, from its file's.
    let mut command = Command::new(folder.copied_command("\u{1b}[2J\u{202e}x"));
    on_card(command.args(["demo-client", "dlsym"]), &folder, &directory);
    let _member = Member::of(command.env("LD_PRELOAD", library()).env("CUOTA_CLIENT", "named"));
    let patch = |client: &str, word: usize, words: &[u64]| {
        let file =
            fs::OpenOptions::new().write(true).open(ledger(&directory, client)).expect("ours");
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all_at(&bytes, word as u64 * 8).expect("ours");
    };
    patch("labelled", header::LABELS, &text_words::<16>(&format!("{hostile}={hostile},a=b")));
    patch("liar", header::CLIENT, &text_words::<8>(hostile));
    fs::write(directory.join(format!("{hostile}.v1.cuota")), "").expect("ours");
    for arguments in [&["ps", "--dir"][..], &["ps", "--json", "--dir"]] {
        let (status, out, err) = ended(cuota(arguments).arg(&directory));
        assert_eq!(status, Some(1), "two files are no ledgers");
        assert!(!steers(&out) && !steers(&err), "{out:?} {err:?}");
        assert!(out.contains("named") && out.contains("labelled") && err.contains("liar"), "{out}");
    }
    let client = &json_of(&directory, 1)["clients"][0];
    assert_eq!((&client["client"], &client["labels"]["a"]), (&json!("labelled"), &json!("b")));
    let (status, _, err) = ended(cuota(["ps", hostile, "--dir"]).arg(&directory));
    assert!(status == Some(1) && !steers(&err), "{err:?}");
}

#[test]
fn where_nothing_is_named_the_usual_places_are_looked_into() {
    let folder = Folder::new("ps-usual");
    let usual = folder.path("cuota");
    fs::create_dir(&usual).expect("ours");
    ledger(&usual, "usual-place");
    let mut command = cuota(["ps", "usual-place", "--json"]);
    let (status, out, err) = ended(command.env("XDG_RUNTIME_DIR", folder.path("")));
    assert_eq!(status, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).expect("one JSON object");
    assert!(report["directory"].as_array().is_some_and(|all| all.contains(&json!(usual))), "{out}");
    assert_eq!(report["clients"][0]["file"], json!(usual.join("usual-place.v1.cuota")));
}

#[test]
fn shares_of_the_sms_are_shown_as_they_were_granted() {
    let folder = Folder::new("ps-sms");
    let directory = folder.ledgers();
    let _members = sharing(&folder);
    let report = json_of(&directory, 0);
    let [held, not_held, reserved, silent] = [0, 1, 2, 3].map(|at| &report["clients"][at]);
    let uuid = &held["devices"][0]["uuid"];
    for (client, asked, sms, by_mps, exclusive) in [
        (held, json!("30%"), 38, true, false),
        (not_held, json!("30%"), 132, false, false),
        (reserved, json!("30%"), 32, true, true),
        (silent, Value::Null, 132, false, false),
    ] {
        assert_eq!(client["devices"][0]["sms"], 132);
        let member = &client["members"][0];
        assert_eq!(member["share_asked"], asked);
        let grant = json!({ "uuid": uuid, "sms": sms, "by_mps": by_mps, "exclusive": exclusive });
        assert_eq!(member["grants"], json!([grant]));
    }
    let (_, out, _) = ps(&directory);
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let both = "SMs: 38 of 132, by MPS, for each of 2 processes: 76 in all; asked for: 30%";
    assert!(words.contains(both), "{out}");
    assert!(words.contains("SMs: not limited, for there is no MPS; asked for: 30%"), "{out}");
    let partition = "SMs: 32 of 132, reserved by a partition of MPS; asked for: 30%";
    assert!(words.contains(partition), "{out}");
    assert_eq!(out.matches("SMs").count(), 3, "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}
