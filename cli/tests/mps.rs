//! `cuota mps` with Debian's real control daemon, where it can be had.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::mps::{Scene, signal};
use common::{ended, library};
use serde_json::Value;

#[test]
fn a_daemon_is_started_as_it_should_be_and_stopped_until_it_is_gone() {
    let Some(scene) = Scene::new("mps") else { return };
    scene.ends(&["status"], 1, "there is no directory");
    scene.ends(&["stop"], 0, "no daemon runs");
    let mut start = scene.command(&["start", "--percentage", "40"]);
    let (status, out, err) = ended(start.env("LD_PRELOAD", library()).env("CUOTA_CLIENT", "us"));
    assert_eq!(status, Some(0), "{out}{err}");
    assert!(out.contains("started (process") && out.contains("more than 40 %"), "{out}");
    let mode = fs::metadata(scene.pipes()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
    let environment = fs::read(format!("/proc/{}/environ", scene.pid())).expect("it is ours");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(
        !environment.contains("LD_PRELOAD") && !environment.contains("CUOTA_"),
        "{environment}"
    );

    let report = scene.status();
    assert_eq!((&report["runs"], &report["default_percentage"]), (&true.into(), &"40.0".into()));
    assert_eq!(report["servers"], Value::Array(Vec::new()));
    scene.ends(&["status"], 0, "answers");
    scene.ends(&["start"], 0, "runs already");
    scene.ends(&["start", "--percentage", "12.5"], 0, "more than 12.5 %");
    scene.ends(&["start", "--percentage", "400"], 125, "up to 100");

    let pid = scene.pid();
    scene.ends(&["stop", "--within", "0s"], 0, "stopped");
    assert!(!Path::new(&format!("/proc/{pid}/exe")).exists(), "it is gone");
    assert!(!scene.pipes().join("control").exists(), "and leaves nothing that looks like it");
    scene.ends(&["status"], 1, "no daemon was started in");
    scene.ends(&["stop"], 0, "no daemon runs");
}

#[test]
fn one_that_was_killed_is_started_again_and_one_that_hangs_is_not_doubled() {
    let Some(scene) = Scene::new("mps-killed") else { return };
    scene.ends(&["start"], 0, "started");
    let first = scene.pid();
    signal(first, "-KILL");
    while scene.status()["runs"] == true {
        std::thread::yield_now();
    }
    scene.ends(&["status"], 1, "left the socket behind");
    scene.ends(&["start"], 0, "started");
    let second = scene.pid();
    assert_ne!(first, second);
    signal(second, "-STOP");
    scene.ends(&["status"], 1, "does not answer");
    scene.ends(&["start"], 1, "does not answer");
    scene.ends(&["stop"], 1, "does not answer");
    assert_eq!(scene.status()["pid"], second, "known by its lock");
    signal(second, "-CONT");
    scene.ends(&["stop"], 0, "stopped");
}

#[test]
fn what_is_missing_is_said_before_anything_is_started() {
    let Some(mut scene) = Scene::new("mps-missing") else { return };
    let whole = std::mem::replace(&mut scene.path, "/usr/bin:/bin".into());
    scene.ends(&["start"], 127, "Install it");
    scene.path = whole.split(':').next().expect("its folder").to_owned() + ":/usr/bin:/bin";
    scene.ends(&["start"], 127, "nvidia-cuda-mps-server");
    assert!(!scene.pipes().exists());
    fs::write(scene.pipes(), "").expect("ours");
    scene.path = whole;
    scene.ends(&["start"], 125, "cannot be made");
}

#[test]
fn what_others_have_put_into_the_directory_is_not_followed() {
    let Some(scene) = Scene::new("mps-links") else { return };
    scene.ends(&["start"], 0, "started");
    let precious = scene.folder.file("precious", "kept");
    std::os::unix::fs::symlink(&precious, scene.pipes().join("cuota.stopped")).expect("ours");
    // Nor is nvidia-smi, which is not there, told what is no mode.
    fs::write(scene.pipes().join("cuota.mode"), "GPU-aa WORLD\n").expect("ours");
    scene.ends(&["stop"], 0, "stopped");
    assert_eq!(fs::read_to_string(precious).expect("ours"), "kept");
}
