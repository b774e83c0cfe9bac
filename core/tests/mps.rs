//! What may be in an MPS daemon's directory is told apart, and where it is looked for.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use cuota_core::mps::{Daemon, directory, look};

#[test]
fn what_may_be_in_a_directory_is_told_apart() {
    let place = std::env::temp_dir().join(format!("cuota-mps-{}", std::process::id()));
    fs::create_dir(&place).expect("a fresh directory");
    let found = |place: &Path| look(place, Duration::from_millis(1));
    assert!(matches!(found(&place.join("not")), Daemon::NoDirectory));
    assert!(matches!(found(&place), Daemon::NoSocket));
    let long = |letters| format!("/tmp/{}", "x".repeat(letters));
    assert!(matches!(found(Path::new(&long(83))), Daemon::TooLong));
    assert!(matches!(found(Path::new(&long(82))), Daemon::NoDirectory));
    let socket = place.join("control");
    let listener = UnixListener::bind(&socket).expect("a fresh socket");
    assert!(matches!(found(&place), Daemon::Foreign), "a stream is no daemon's");
    drop(listener);
    fs::remove_file(&socket).expect("ours");
    fs::write(&socket, "").expect("ours");
    assert!(matches!(found(&place), Daemon::Stale));
    fs::remove_dir_all(&place).expect("ours");
}

#[test]
fn the_variable_comes_first() {
    assert_eq!(directory(Some("/a/b".into())), Path::new("/a/b"));
    let default = directory(None);
    let known = ["/run/nvidia-mps", "/tmp/nvidia-mps"];
    assert!(known.iter().any(|known| default == Path::new(known)));
    assert_eq!(directory(Some("".into())), default);
}
