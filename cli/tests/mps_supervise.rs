//! `cuota mps supervise` with Debian's real control daemon, where it can be had: what becomes of it is told
//! from what only looks like death.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use common::mps::{Scene, Supervisor, signal};
use common::real;

#[test]
fn a_daemon_that_dies_is_started_again_as_it_was_and_a_busy_one_is_left_alone() {
    let Some(scene) = Scene::new("mps-supervise") else { return };
    let told = scene.folder.path("told");
    let listener = std::os::unix::net::UnixDatagram::bind(&told).expect("a fresh socket");
    let socket = ("NOTIFY_SOCKET", told.to_str().expect("plain"));
    let mut supervisor = Supervisor::start(&scene, &["--percentage", "25"], &[socket]);
    let first = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    let mut word = [0; 200];
    let mut heard = || {
        let length = listener.recv(&mut word).expect("it tells");
        String::from_utf8_lossy(&word[..length]).into_owned()
    };
    while heard() != "READY=1" {}

    // A server that the dead one has left, as far as anybody can tell.
    let fake = "exec -a nvidia-cuda-mps-server sleep 1000";
    let mut server = Command::new("bash")
        .args(["-c", fake])
        .env("CUDA_MPS_PIPE_DIRECTORY", scene.pipes())
        .spawn()
        .expect("it starts");
    let command_line = format!("/proc/{}/cmdline", server.id());
    while !fs::read(&command_line).expect("it runs").starts_with(b"nvidia-cuda-mps-server") {
        std::thread::yield_now();
    }
    signal(first, "-KILL");
    assert_eq!(supervisor.hear("died")["what"], format!("process {first}"));
    let orphan = supervisor.hear("orphan")["what"].as_str().expect("text").to_owned();
    assert!(orphan.contains(&server.id().to_string()), "{orphan}");
    assert!(!server.wait().expect("ours").success(), "ended by a signal");
    let second = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    assert_ne!(first, second);
    assert_eq!(scene.status()["default_percentage"], "25.0", "told again");

    signal(second, "-STOP");
    supervisor.hear("silent");
    signal(second, "-CONT");
    supervisor.hear("answers");
    assert_eq!(scene.pid(), second, "the same one");

    // It ends without its daemon, which another then takes over.
    signal(supervisor.child.id().into(), "-TERM");
    supervisor.hear("ended");
    assert!(supervisor.child.wait().expect("ours").success());
    let mut other = Supervisor::start(&scene, &[], &[]);
    assert_eq!(other.hear("found")["pid"], second);
    // Stopped by command it is not started again.
    scene.ends(&["stop"], 0, "stopped");
    other.hear("stopped");
    assert!(other.child.wait().expect("ours").success());
    scene.ends(&["status"], 1, "no daemon was started");
}

#[test]
fn what_cannot_be_supervised_is_said_at_once() {
    let Some(mut scene) = Scene::new("mps-no-supervise") else { return };
    scene.path = "/usr/bin:/bin".into();
    scene.ends(&["supervise"], 127, "Install it");
}

#[test]
fn a_hundred_deaths_leave_one_daemon_that_knows_what_it_was_told() {
    let Some(mut scene) = Scene::new("mps-hundred") else { return };
    scene.with_a_server_that_hangs();
    let user = fs::metadata("/proc/self").expect("it is there").uid();
    let server = |it: &(String, String)| it.1.starts_with("nvidia-cuda-mps-server");
    let told = ["--percentage", "25", "--mem-limit", "0=2G,1=512M", "--priority", "low"];
    let mut supervisor = Supervisor::start(&scene, &told, &[]);
    let mut pid = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    let questions = "get_default_active_thread_percentage\nget_default_device_pinned_mem_limit 0\n\
                     get_default_device_pinned_mem_limit 1\nget_default_client_priority";
    for _ in 0..100 {
        scene.answer(&format!("start_server -uid {user}\nget_default_client_priority"));
        while !real::of_directory(&scene.pipes()).iter().any(server) {
            std::thread::yield_now();
        }
        signal(pid, "-KILL");
        let next = supervisor.hear("started")["pid"].as_i64().expect("its pid");
        assert_ne!(pid, next);
        pid = next;
        assert_eq!(scene.daemons(), 1);
        assert!(!real::of_directory(&scene.pipes()).iter().any(server), "its server went first");
        assert_eq!(scene.answer(questions), "25.0\n2G\n512M\n1");
    }
    let heard = |name: &str| supervisor.events.iter().filter(|event| *event == name).count();
    assert_eq!((heard("died"), heard("orphan"), heard("started")), (100, 100, 101));
    scene.ends(&["stop"], 0, "stopped");
    supervisor.hear("stopped");
    assert_eq!(scene.daemons(), 0);
    assert_eq!(real::of_directory(&scene.pipes()), [], "nor a server");
}

#[test]
fn one_that_talks_to_somebody_else_is_not_dead() {
    let Some(scene) = Scene::new("mps-session") else { return };
    scene.ends(&["start"], 0, "started");
    let pid = scene.pid();
    let mut session = scene.session();
    assert_eq!(scene.ask("get_default_client_priority").1, "", "it has no ear for others");
    let mut supervisor = Supervisor::start(&scene, &["--percentage", "30"], &[]);
    assert_eq!(supervisor.hear("found")["pid"], pid);
    assert!(supervisor.hear_words("busy").contains("somebody else is talking to it"));
    let busy = scene.status();
    assert_eq!((&busy["runs"], &busy["answers"]), (&true.into(), &false.into()));
    scene.ends(&["status"], 0, "somebody else is talking to it");
    scene.ends(&["start", "--percentage", "30"], 1, "somebody else is talking to it");

    // The session ends.
    drop(session.stdin.take());
    assert!(session.wait().expect("ours").success());
    supervisor.hear("answers");
    assert!(supervisor.hear_words("told").contains("30 %"));
    assert_eq!(scene.status()["default_percentage"], "30.0");
    assert_eq!(supervisor.events, ["found", "busy", "answers", "told"], "each said once");
    assert_eq!(scene.pid(), pid);
}

#[test]
fn one_whose_lock_was_removed_is_known_and_not_doubled() {
    let Some(scene) = Scene::new("mps-unlocked") else { return };
    let mut supervisor = Supervisor::start(&scene, &[], &[]);
    let pid = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    assert_eq!(scene.status()["locked"], true);
    fs::remove_file(scene.pipes().join("control_lock")).expect("it is there");
    assert!(supervisor.hear_words("unlocked").contains("was removed under the daemon"));
    let status = scene.status();
    assert_eq!((&status["pid"], &status["locked"]), (&pid.into(), &false.into()));
    scene.ends(&["start"], 0, "runs already");
    // One that comes later knows it, too.
    let mut second = Supervisor::start(&scene, &[], &[]);
    assert_eq!(second.hear("found")["pid"], pid);
    second.hear("unlocked");
    drop(second);
    // And with its socket gone as well.
    fs::remove_file(scene.pipes().join("control")).expect("it is there");
    scene.ends(&["start"], 1, &format!("process {pid} is the daemon of"));
    assert_eq!(scene.daemons(), 1);

    signal(pid, "-KILL");
    supervisor.hear("died");
    assert_ne!(supervisor.hear("started")["pid"], pid);
    assert_eq!((scene.daemons(), &scene.status()["locked"]), (1, &true.into()));
    // It may have been asked while its socket was gone.
    supervisor.events.retain(|event| event != "busy");
    assert_eq!(supervisor.events, ["started", "unlocked", "died", "started"]);
}

#[test]
fn many_askers_at_once_are_no_death() {
    let Some(scene) = Scene::new("mps-askers") else { return };
    let mut supervisor = Supervisor::start(&scene, &[], &[]);
    let pid = supervisor.hear("started")["pid"].as_i64().expect("its pid");
    let (ours, raw) = std::thread::scope(|all| {
        let raw: Vec<_> =
            (0..30).map(|_| all.spawn(|| scene.ask("get_default_client_priority"))).collect();
        let ours: Vec<_> = (0..30).map(|_| all.spawn(|| scene.status())).collect();
        let ours: Vec<_> = ours.into_iter().map(|one| one.join().expect("it ends")).collect();
        let raw: Vec<_> = raw.into_iter().map(|one| one.join().expect("it ends")).collect();
        (ours, raw)
    });
    let refused = raw.iter().filter(|(status, said)| *status != Some(0) || said.is_empty()).count();
    assert!(refused > 0, "it talks to one at a time");
    for status in ours {
        assert_eq!((&status["runs"], &status["pid"]), (&true.into(), &pid.into()), "{status}");
    }
    assert_eq!(scene.pid(), pid);
    scene.ends(&["stop"], 0, "stopped");
    supervisor.hear("stopped");
    let harmless = ["started", "busy", "silent", "answers", "stopped"];
    let events = &supervisor.events;
    assert!(events.iter().all(|event| harmless.contains(&event.as_str())), "{events:?}");
}
