//! What is said of a daemon's servers. The daemon and the client that makes it start one are real; the server
//! is a program that never gets ready, which is what a server that hangs looks like from outside.

mod common;

use std::fs;

use common::mps::{Scene, Supervisor};
use common::promtool::checked_by_promtool;
use common::told;
use serde_json::Value;

/// The number of the server that the client's coming has started.
fn server(scene: &Scene) -> i64 {
    loop {
        if let Some(server) = scene.status()["servers"].get(0) {
            return server["pid"].as_i64().expect("its number");
        }
    }
}

/// In the place of NVIDIA's program one that passes on what it is told, but for the question of a server's
/// state, which older ones do not know: that it answers from a file.
fn with_states(scene: &mut Scene) {
    let folder = scene.folder.path("front");
    fs::create_dir(&folder).expect("a fresh directory");
    let real = scene.unpacked.join("usr/bin/nvidia-cuda-mps-control");
    let text = format!(
        "#!/bin/bash\n[ $# -eq 0 ] || exec {real} \"$@\"\ntext=$(cat)\n\
         case $text in get_server_status*) cat {state}; echo 100.0;; *) {real} <<<\"$text\";; esac\n",
        real = real.display(),
        state = scene.folder.path("state").display(),
    );
    scene.folder.script("front/nvidia-cuda-mps-control", &text);
    scene.path = format!("{}:{}", folder.display(), scene.path);
}

/// Whole at every moment.
fn becomes(scene: &Scene, state: &str) {
    let draft = scene.folder.file("draft", &format!("{state}\n"));
    fs::rename(draft, scene.folder.path("state")).expect("ours");
}

#[test]
fn a_server_that_does_not_get_ready_is_told_of_and_left_alone() {
    let Some(mut scene) = Scene::new("mps-stuck") else { return };
    scene.with_a_server_that_hangs();
    with_states(&mut scene);
    becomes(&scene, "INITIALIZING");
    let file = scene.folder.path("mps.prom");
    let metrics = || fs::read_to_string(&file).unwrap_or_default();
    let given = ["--metrics", file.to_str().expect("plain")];
    let mut supervisor = Supervisor::start(&scene, &given, &[]);
    let pid = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    let _client = scene.client();
    let first = supervisor.hear_words("server");
    let server = server(&scene);
    assert_eq!(first, format!("server {server} is INITIALIZING"));
    assert!(supervisor.hear_words("initializing").contains("its clients hang in cuInit"));
    for state in ["ACTIVE", "FAULT"] {
        becomes(&scene, state);
        assert_eq!(supervisor.hear_words("server"), format!("server {server} is {state}"));
    }

    let place = scene.pipes().display().to_string();
    let text = metrics();
    for line in [
        format!("cuota_mps_up{{directory=\"{place}\"}} 1"),
        format!("cuota_mps_answers{{directory=\"{place}\"}} 1"),
        format!("cuota_mps_starts_total{{directory=\"{place}\"}} 1"),
        format!("cuota_mps_deaths_total{{directory=\"{place}\"}} 0"),
        format!("cuota_mps_orphans_total{{directory=\"{place}\"}} 0"),
        format!("cuota_mps_server_state{{directory=\"{place}\",state=\"FAULT\"}} 1"),
    ] {
        assert!(text.lines().any(|it| it == line), "no {line}: {text}");
    }
    checked_by_promtool(&["check", "metrics"], Some(&text));
    let status = scene.status();
    assert_eq!(status["servers"][0]["state"], "FAULT");
    assert_eq!(status["supervisor"]["pid"], supervisor.child.id());
    let counts = ["starts", "deaths", "orphans"].map(|name| status["supervisor"][name].as_u64());
    assert_eq!(counts, [Some(1), Some(0), Some(0)]);
    assert_eq!(status["pid"], pid, "never started again");

    // With its daemon's death the server has lost it, and goes first.
    common::mps::signal(pid, "-KILL");
    assert!(supervisor.hear_words("orphan").contains(&format!("server {server},")));
    supervisor.hear("started");
    let events =
        ["started", "server", "initializing", "server", "server", "died", "orphan", "started"];
    assert_eq!(supervisor.events, events);
    let text = metrics();
    for count in ["starts_total", "deaths_total", "orphans_total"] {
        let value = if count == "starts_total" { 2 } else { 1 };
        let line = format!("cuota_mps_{count}{{directory=\"{place}\"}} {value}");
        assert!(text.contains(&line), "no {line}: {text}");
    }
    // Nothing is left that would stand for a supervisor that is gone.
    common::mps::signal(supervisor.child.id().into(), "-TERM");
    supervisor.hear("ended");
    assert!(supervisor.child.wait().expect("ours").success());
    assert!(!file.exists());
    assert_eq!(scene.status()["supervisor"], Value::Null);
}

#[test]
fn the_real_daemons_word_for_a_server_is_taken_and_its_silence_too() {
    let Some(mut scene) = Scene::new("mps-state") else { return };
    scene.with_a_server_that_hangs();
    scene.ends(&["start"], 0, "started");
    let _client = scene.client();
    let server = server(&scene);
    let said = scene.answer(&format!("get_server_status {server}"));
    let state = &scene.status()["servers"][0]["state"];
    if said.starts_with("Unknown command") {
        assert_eq!(*state, Value::Null);
        scene.ends(&["status"], 0, &format!("servers: {server}"));
    } else {
        assert_eq!((said.as_str(), state.as_str()), ("INITIALIZING", Some("INITIALIZING")));
        scene.ends(&["status"], 0, &format!("servers: {server} (INITIALIZING)"));
    }
    scene.ends(&["stop", "--within", "0s"], 0, "stopped");
}

#[test]
fn a_test_that_fails_leaves_neither_daemon_nor_server() {
    let Some(mut scene) = Scene::new("mps-failed") else { return };
    scene.with_a_server_that_hangs();
    let pipes = scene.pipes();
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        scene.ends(&["start"], 0, "started");
        let _client = scene.client();
        let server = server(&scene).to_string();
        assert!(told::of(&scene.pipes()).iter().any(|(pid, _)| *pid == server));
        std::panic::resume_unwind(Box::new("as a test that fails"));
    }));
    assert_eq!(failed.expect_err("it failed").downcast_ref(), Some(&"as a test that fails"));
    assert_eq!(told::of(&pipes), []);
}

#[test]
fn metrics_that_cannot_be_written_are_said_at_once() {
    let Some(scene) = Scene::new("mps-no-metrics") else { return };
    scene.ends(&["supervise", "--metrics", "/no-such-folder/mps.prom"], 125, "cannot write");
    assert!(!scene.pipes().exists());
}

#[test]
fn a_limit_that_the_daemon_does_not_take_is_said_and_nothing_is_left_of_the_supervisor() {
    let Some(scene) = Scene::new("mps-refused") else { return };
    let file = scene.folder.path("mps.prom");
    let metrics = ["--metrics", file.to_str().expect("plain")];
    let no_device = [&["supervise", "--mem-limit", "7777=1G"][..], &metrics].concat();
    scene.ends(&no_device, 1, "1024M of device 7777 for its clients, and says nothing of it");
    assert!(!file.exists());
    assert_eq!(scene.status()["supervisor"], Value::Null);
    scene.ends(&["start", "--mem-limit", "0=1G"], 0, "more than 1024M of device 0");
    scene.ends(&["start", "--mem-limit", "0=1.5G"], 125, "a whole number of G or M");
    scene.ends(&["start", "--priority", "high"], 125, "normal or low");
}
