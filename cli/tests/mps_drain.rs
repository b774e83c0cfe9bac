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

/// Who has not stopped is ended by the server, known by the host's pid. A stand-in for the daemon's own
/// program, which has no server with clients here.
#[test]
fn who_does_not_stop_is_ended_by_the_server() {
    let folder = Folder::new("terminate");
    folder.ledgers();
    let mut member = Member::start(&folder, "it", &[]);
    assert!(member.takes(1 << 20));
    let heard = folder.file("heard", "");
    let script = format!(
        "#!/bin/sh\nwhile read -r line; do\n echo \"$line\" >> {}\n case \"$line\" in\n get_server_list) echo 17 ;;\n get_server_status*) echo ACTIVE ;;\n get_client_list*) echo {} ;;\n get_default*) echo 100.0 ;;\n esac\ndone\n",
        heard.display(),
        member.id()
    );
    folder.script("nvidia-cuda-mps-control", &script);
    let mut command = cuota(["mps", "drain", "it", "--wait", "50ms", "--terminate"]);
    command
        .env("CUOTA_DIR", folder.path("ledgers"))
        .env("CUDA_MPS_PIPE_DIRECTORY", folder.path(""));
    let path = format!("{}:/usr/bin:/bin", folder.path("").display());
    let (status, out, err) = ended(command.env("PATH", path));
    let first =
        std::fs::read_link("/proc/self/ns/pid").is_ok_and(|it| it.ends_with("pid:[4026531836]"));
    let said = std::fs::read_to_string(heard).expect("ours");
    let what = format!("terminate_client 17 {}\n", member.id());
    if first {
        assert_eq!(status, Some(0), "{out}{err}");
        assert!(said.contains(&what) && out.contains("ended"), "{said} {out}");
    } else {
        assert_eq!(status, Some(1));
        assert!(!said.contains(&what) && err.contains("on the host"), "{err}");
    }
}
