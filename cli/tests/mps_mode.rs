//! `--exclusive`: the devices' compute mode while a daemon runs, and what it was before. The daemon is Debian's
//! real one, where it can be had; `nvidia-smi` is a script that keeps a mode for each of two cards.

mod common;

use std::fs;
use std::process::Command;

use common::ended;
use common::mps::{Scene, Supervisor, signal};

const QUERY: &str = "--query-gpu=uuid,compute_mode --format=csv,noheader";

const SMI: &str = r#"#!/bin/bash
cd "$(dirname "$0")"
echo "$*" >>asked
case "$1" in
--query-gpu=uuid,compute_mode) cat modes ;;
-i)
    [ ! -e denied ] || { echo "Insufficient Permissions"; exit 4; }
    declare -A names=([DEFAULT]=Default [PROHIBITED]=Prohibited [EXCLUSIVE_PROCESS]=Exclusive_Process)
    sed -i "s/^$2, .*/$2, ${names[$4]}/" modes ;;
esac
"#;

struct Cards {
    scene: Scene,
}

impl Cards {
    fn new(name: &str, modes: &str) -> Option<Cards> {
        let mut scene = Scene::new(name)?;
        let folder = scene.folder.path("smi");
        fs::create_dir(&folder).expect("a fresh directory");
        scene.folder.script("smi/nvidia-smi", SMI);
        scene.folder.file("smi/modes", modes);
        scene.path = format!("{}:{}", folder.display(), scene.path);
        Some(Cards { scene })
    }

    fn modes(&self) -> String {
        fs::read_to_string(self.scene.folder.path("smi/modes")).expect("ours")
    }

    /// What it was told since the last time.
    fn asked(&self) -> Vec<String> {
        let file = self.scene.folder.path("smi/asked");
        let text = fs::read_to_string(&file).unwrap_or_default();
        let _ = fs::remove_file(file);
        text.lines().map(str::to_owned).collect()
    }

    /// Starts a daemon for these devices, if it says so.
    fn start(&self, devices: Option<&str>) -> (Option<i32>, String) {
        let mut command: Command = self.scene.command(&["start", "--exclusive"]);
        if let Some(devices) = devices {
            command.env("CUDA_VISIBLE_DEVICES", devices);
        }
        let (status, out, err) = ended(&mut command);
        let said = (out + &err).split_whitespace().collect::<Vec<_>>().join(" ");
        (status, said)
    }
}

#[test]
fn it_is_set_only_where_asked_for_and_put_back_as_it_was() {
    let before = "GPU-aa, Default\nGPU-bb, Exclusive_Process\nGPU-cc, Prohibited\n";
    let Some(cards) = Cards::new("mps-mode", before) else { return };
    cards.scene.ends(&["start"], 0, "started");
    cards.scene.ends(&["stop"], 0, "stopped");
    assert!(cards.asked().is_empty(), "nobody has asked for it");

    let (status, said) = cards.start(None);
    assert_eq!(status, Some(0), "{said}");
    let set = ["-i GPU-aa -c EXCLUSIVE_PROCESS", "-i GPU-cc -c EXCLUSIVE_PROCESS"];
    assert_eq!(cards.asked(), [&[QUERY], &set[..]].concat());
    // Once more changes nothing, neither the modes nor what is kept of them.
    assert_eq!(cards.start(None).0, Some(0));
    assert_eq!(cards.asked(), [QUERY]);
    cards.scene.ends(&["stop"], 0, "the compute mode of GPU-aa is DEFAULT again");
    assert_eq!(cards.asked(), ["-i GPU-aa -c DEFAULT", "-i GPU-cc -c PROHIBITED"]);
    assert_eq!(cards.modes(), before);
    cards.scene.ends(&["stop"], 0, "no daemon runs");
    assert!(cards.asked().is_empty(), "it was put back already");
}

#[test]
fn only_the_daemons_own_devices_are_changed() {
    let before = "GPU-aa, Default\nGPU-bb, Default\n";
    let Some(cards) = Cards::new("mps-mode-devices", before) else { return };
    let (status, said) = cards.start(Some("0"));
    assert!(status == Some(125) && said.contains("name them by UUID"), "{said}");
    let (status, said) = cards.start(Some("GPU-dd"));
    assert!(status == Some(1) && said.contains("knows no GPU"), "{said}");
    cards.scene.ends(&["status"], 1, "no daemon was started");
    assert_eq!(cards.start(Some("gpu-b")).0, Some(0));
    assert_eq!(cards.modes(), "GPU-aa, Default\nGPU-bb, Exclusive_Process\n");
    cards.scene.ends(&["stop"], 0, "stopped");
    assert_eq!(cards.modes(), before);
}

#[test]
fn where_it_cannot_be_set_nothing_is_started_and_where_nothing_starts_it_is_put_back() {
    let before = "GPU-aa, Default\n";
    let Some(cards) = Cards::new("mps-mode-denied", before) else { return };
    let denied = cards.scene.folder.file("smi/denied", "");
    let (status, said) = cards.start(None);
    assert!(status == Some(1) && said.contains("Insufficient Permissions"), "{said}");
    cards.scene.ends(&["status"], 1, "no daemon was started");
    cards.scene.ends(&["stop"], 0, "no daemon runs");
    fs::remove_file(denied).expect("ours");
    // Something is where its socket has to be.
    fs::create_dir(cards.scene.pipes().join("control")).expect("a fresh directory");
    let (status, said) = cards.start(None);
    assert!(status == Some(1) && said.contains("has not come up"), "{said}");
    assert_eq!(cards.modes(), before);
    assert_eq!(cards.asked().last().map(String::as_str), Some("-i GPU-aa -c DEFAULT"));

    fs::remove_file(cards.scene.folder.path("smi/nvidia-smi")).expect("ours");
    cards.scene.ends(&["start", "--exclusive"], 127, "The compute mode is changed through it");
}

#[test]
fn it_outlives_the_daemons_death_and_ends_with_stop() {
    let before = "GPU-aa, Default\n";
    let Some(cards) = Cards::new("mps-mode-death", before) else { return };
    let mut supervisor = Supervisor::start(&cards.scene, &["--exclusive"], &[]);
    let pid = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    assert_eq!(cards.modes(), "GPU-aa, Exclusive_Process\n");
    signal(pid, "-KILL");
    supervisor.hear("started");
    assert_eq!(cards.modes(), "GPU-aa, Exclusive_Process\n");
    cards.scene.ends(&["stop"], 0, "is DEFAULT again");
    supervisor.hear("stopped");
    assert_eq!(cards.modes(), before);

    // Nobody watches this one when it dies.
    assert_eq!(cards.start(None).0, Some(0));
    signal(cards.scene.pid(), "-KILL");
    while cards.scene.status()["runs"] == true {
        std::thread::yield_now();
    }
    cards.scene.ends(&["stop"], 0, "no daemon runs");
    assert_eq!(cards.modes(), before);
}
