//! `cuota gc` by several users, as root makes them: whose bills are trusted, and what one may remove.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::books::booked;
use common::{Folder, ended};
use cuota_core::book::file_name;

const GROUP: u32 = 54321;
const ALICE: u32 = 12345;
const BOB: u32 = 12346;

/// A directory of ledgers of that mode, its group's, that root made; nothing where we are not root.
fn of_root(folder: &Folder, mode: u32) -> Option<PathBuf> {
    let directory = folder.ledgers();
    if fs::metadata(&directory).expect("made").uid() != 0 {
        eprintln!("skipped: only root may become other users");
        return None;
    }
    let everybody: fs::Permissions = PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(""), everybody).expect("ours");
    chown(&directory, None, Some(GROUP)).expect("root may");
    fs::set_permissions(&directory, PermissionsExt::from_mode(mode)).expect("ours");
    Some(directory)
}

/// A ledger that nobody is in any more, as that user's process left it.
fn left_by(user: u32, directory: &Path, client: &str) {
    booked(directory, client).killed();
    chown(directory.join(file_name(client)), Some(user), Some(GROUP)).expect("root may");
}

/// The status of that user's `gc`, a member of the group, and what it says.
fn gc_of(user: u32, folder: &Folder, directory: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(folder.path("command"));
    command.args(["gc", "--older", "0s", "--dir"]).arg(directory).uid(user).gid(GROUP);
    let (status, out, err) = ended(&mut command);
    (status, (out + &err).split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn whoever_of_the_group_made_the_bills_the_others_close_theirs_too() {
    let folder = Folder::new("gc-group");
    let Some(directory) = of_root(&folder, 0o3770) else { return };
    folder.copied_command("command");
    for (user, client) in [(ALICE, "alice"), (BOB, "bob"), (0, "root")] {
        left_by(user, &directory, client);
        let (status, said) = gc_of(user, &folder, &directory);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains(&format!("{client} removed")), "{said}");
    }
    let bills = directory.join("bills");
    assert_eq!(fs::metadata(&bills).expect("made").uid(), ALICE);
    assert_eq!(fs::read_dir(&bills).expect("readable").count(), 3);

    // No folder that anybody else could have made, or could replace bills in.
    left_by(BOB, &directory, "bob");
    for (group, mode) in [(GROUP, 0o3775), (GROUP, 0o2770), (GROUP, 0o1770), (0, 0o3770)] {
        chown(&bills, None, Some(group)).expect("root may");
        fs::set_permissions(&bills, PermissionsExt::from_mode(mode)).expect("root may");
        let (status, said) = gc_of(BOB, &folder, &directory);
        assert_eq!(status, Some(1), "{mode:o}: {said}");
        assert!(said.contains("others could replace") && said.contains("chmod 3770"), "{said}");
    }
    assert!(directory.join(file_name("bob")).exists(), "not without its bill");
}

#[test]
fn where_everybody_may_write_a_folder_of_bills_is_its_makers_alone() {
    let folder = Folder::new("gc-everybodys");
    let Some(directory) = of_root(&folder, 0o3777) else { return };
    folder.copied_command("command");
    let bills = directory.join("bills");
    fs::create_dir(&bills).expect("ours");
    chown(&bills, Some(ALICE), Some(GROUP)).expect("root may");
    fs::set_permissions(&bills, PermissionsExt::from_mode(0o3770)).expect("root may");
    left_by(BOB, &directory, "bob");
    let (status, said) = gc_of(BOB, &folder, &directory);
    assert!(status == Some(1) && said.contains("others could replace"), "{said}");
}

#[test]
fn what_may_not_be_removed_is_said_before_anything_is_written() {
    let folder = Folder::new("gc-not-ours");
    let Some(directory) = of_root(&folder, 0o3770) else { return };
    folder.copied_command("command");
    left_by(ALICE, &directory, "alice");
    let (status, said) = gc_of(BOB, &folder, &directory);
    assert!(status == Some(1) && said.contains("alice.v1.cuota cannot be removed"), "{said}");
    assert!(said.contains("have its owner"), "{said}");
    assert!(!directory.join("bills").exists());

    // Nor is root, where no group shares them.
    fs::set_permissions(&directory, PermissionsExt::from_mode(0o1777)).expect("ours");
    let (status, said) = gc_of(0, &folder, &directory);
    assert!(status == Some(1) && said.contains("belongs to another user"), "{said}");
    assert!(!directory.join("bills").exists());
}
