//! `cuota mps drain`: a client's processes take no new work, and say when theirs is done.

mod common;

use common::member::Member;
use common::{Folder, cuota, ended};

fn drain(folder: &Folder, words: &[&str]) -> (Option<i32>, String, String) {
    let all = [&["mps", "drain"], words].concat();
    ended(cuota(all).env("CUOTA_DIR", folder.path("ledgers")))
}

#[test]
fn who_is_looked_after_stops_and_goes_on() {
    let folder = Folder::new("drain");
    folder.ledgers();
    let set = [("CUOTA_SIM_MPS", "1"), ("CUOTA_LOG", "off")];
    let mut members = [(); 2].map(|()| Member::start(&folder, "it", &set));
    for member in &mut members {
        assert!(member.takes(1 << 20));
    }
    let (status, out, err) = drain(&folder, &["it"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.contains("stopped, with nothing in flight (2 members)"), "{out}");
    let (status, out, _) = drain(&folder, &["it", "--undo"]);
    assert!(status == Some(0) && out.contains("may go on"), "{out}");
    let (status, _, err) = drain(&folder, &["nobody"]);
    assert!(status == Some(1) && err.contains("there is no client"), "{err}");
}

#[test]
fn who_is_not_looked_after_is_named() {
    let folder = Folder::new("no-drain");
    folder.ledgers();
    let mut member = Member::start(&folder, "it", &[]);
    assert!(member.takes(1 << 20));
    let (status, _, err) = drain(&folder, &["it", "--wait", "100ms"]);
    assert_eq!(status, Some(1));
    assert!(err.contains(&member.id().to_string()) && err.contains("CUOTA_DRAIN=0"), "{err}");
}
