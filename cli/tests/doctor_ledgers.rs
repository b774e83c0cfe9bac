//! `cuota doctor` about who is in the ledgers, and where they are.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::Folder;
use common::books::{Booked, booked_as};
use common::doctor::{check, is, is_absent, report};
use cuota_core::book::{Grant, Member, file_name};
use cuota_core::shm::clock;
use serde_json::Value;

fn member(folder: &Folder, client: &str, pid_namespace: u64, user: u64) -> Booked {
    let who = Member { pid: 1, pid_namespace, user, ..Member::default() };
    booked_as(&folder.ledgers(), client, clock::boot_id(), &who)
}

#[test]
fn containers_and_users_that_share_a_quota_are_told() {
    let folder = Folder::new("doctor-replicas");
    let directory = folder.ledgers().display().to_string();
    let replicas = || report(&[("CUOTA_DIR", &directory)]).1;
    is(&replicas(), "replicas", "ok", "no client");
    let _one = member(&folder, "web", 11, 1000);
    let _other = member(&folder, "other", 12, 1001);
    let _same = member(&folder, "web", 11, 1000);
    is(&replicas(), "replicas", "ok", "no client");
    let second = member(&folder, "web", 12, 1000);
    is(&replicas(), "replicas", "info", "client web is 2 containers:");
    let _user = member(&folder, "web", 11, 1001);
    is(&replicas(), "replicas", "info", "client web is 2 containers and 2 users");
    second.killed();
    is(&replicas(), "replicas", "info", "client web is 2 users");
}

#[test]
fn as_many_clients_as_mps_takes_are_warned_of() {
    let folder = Folder::new("doctor-clients");
    let directory = folder.ledgers().display().to_string();
    let set = [("CUOTA_DIR", directory.as_str()), ("CUDA_MPS_PIPE_DIRECTORY", "")];
    let beside = member(&folder, "one", 1, 0);
    beside.part(0).note_grant(beside.seat, Grant { sms: 132, ..Grant::default() });
    is_absent(&report(&set).1, "mps-clients");
    let under = || {
        let booked = member(&folder, "one", 1, 0);
        booked.part(0).note_grant(booked.seat, Grant { sms: 132, by_mps: true, exclusive: false });
        booked
    };
    let mut all: Vec<Booked> = (0..53).map(|_| under()).collect();
    is(&report(&set).1, "mps-clients", "info", "53 members of ours");
    all.push(under());
    is(&report(&set).1, "mps-clients", "warn", "which takes 60 contexts");
}

#[test]
fn a_ledger_that_cannot_be_read_is_not_passed_over() {
    let folder = Folder::new("doctor-ledgers");
    let directory = folder.ledgers().display().to_string();
    let _one = member(&folder, "one", 1, 0);
    is(&report(&[("CUOTA_DIR", &directory)]).1, "ledgers", "ok", &directory);
    let ledger = file_name("broken");
    fs::write(folder.ledgers().join(&ledger), "?").expect("ours");
    is(&report(&[("CUOTA_DIR", &directory)]).1, "ledgers", "unknown", &ledger);
    is(&report(&[("CUOTA_DIR", "/no/such/directory")]).1, "ledgers", "unknown", "/no/such");
}

#[test]
fn a_directory_that_ledgers_are_not_safe_in_is_noticed() {
    let folder = Folder::new("doctor-places");
    let ledgers = folder.ledgers();
    let at = |path: &Path| report(&[("CUOTA_DIR", path.to_str().expect("plain"))]).1;
    let severity = |found: &Value| check(found, "places")["severity"].clone();
    let mode =
        |mode| fs::set_permissions(&ledgers, fs::Permissions::from_mode(mode)).expect("ours");
    // Whether this machine sweeps /tmp is not asked here.
    let well = severity(&at(&ledgers));
    mode(0o777);
    is(&at(&ledgers), "places", "warn", "777");
    mode(0o1777);
    assert_eq!(severity(&at(&ledgers)), well);
    is(&at(Path::new("/dev/shm/cuota-none")), "places", "warn", "/dev/shm");
}

#[test]
fn where_the_daemon_is_said_to_be_is_looked_at_only_where_there_is_to_be_one() {
    let folder = Folder::new("doctor-mps-place");
    is_absent(&report(&[("CUDA_MPS_PIPE_DIRECTORY", "")]).1, "mps-place");
    const LASTING: &str = "/run/no/such/daemon";
    is(&report(&[("CUDA_MPS_PIPE_DIRECTORY", LASTING)]).1, "mps-place", "ok", LASTING);
    let temporary = folder.path("pipes").display().to_string();
    let found = report(&[("CUDA_MPS_PIPE_DIRECTORY", &temporary)]).1;
    assert_ne!(check(&found, "mps-place")["severity"], "ok");
}
