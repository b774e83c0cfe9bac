//! `cuota mps` with Debian's real control daemon, where it can be had.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::real::{self, unpacked};
use common::{Folder, cuota, ended, library};
use serde_json::Value;

struct Scene {
    folder: Folder,
    path: String,
}

impl Scene {
    fn new(name: &str) -> Option<Scene> {
        let unpacked = unpacked()?;
        let [programs, servers] = ["usr/bin", "usr/sbin"].map(|part| unpacked.join(part));
        let path = format!("{}:{}:/usr/bin:/bin", programs.display(), servers.display());
        Some(Scene { folder: Folder::new(name), path })
    }

    fn pipes(&self) -> PathBuf {
        self.folder.path("pipes")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cuota(["mps"].iter().chain(arguments));
        command.env("PATH", &self.path).env("CUDA_MPS_PIPE_DIRECTORY", self.pipes());
        command
    }

    /// Ends with that status, and says that, on one side or the other.
    #[track_caller]
    fn ends(&self, arguments: &[&str], status: i32, words: &str) {
        let (ended, out, err) = ended(&mut self.command(arguments));
        assert_eq!(ended, Some(status), "{arguments:?}: {out}{err}");
        let said = format!("{out}{err}").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }

    fn status(&self) -> Value {
        let (_, out, err) = ended(&mut self.command(&["status", "--json"]));
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"))
    }

    fn pid(&self) -> i64 {
        self.status()["pid"].as_i64().expect("it runs")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        real::end(&self.pipes());
    }
}

fn signal(pid: i64, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill can be run").success());
}

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

/// A supervisor, and what it says, a line at a time.
struct Supervisor {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Supervisor {
    fn start(scene: &Scene, arguments: &[&str], set: &[(&str, &str)]) -> Supervisor {
        let all = [&["supervise", "--json", "--every", "10ms"], arguments].concat();
        let mut command = scene.command(&all);
        command.envs(set.iter().copied()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let output = std::io::BufReader::new(child.stdout.take().expect("piped"));
        Supervisor { child, lines: std::io::BufRead::lines(output) }
    }

    /// What it says next of that kind.
    fn hear(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").expect("text");
            let said: Value = serde_json::from_str(&line).expect("one JSON object");
            if said["event"] == event {
                return said;
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
