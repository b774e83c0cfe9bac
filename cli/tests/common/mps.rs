//! Debian's real control daemon in a directory of its own, and a supervisor of it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::real::{self, unpacked};
use super::told::Ends;
use super::{Folder, cuota, ended};

pub struct Scene {
    // First: the folder goes when nobody uses it.
    _ends: Ends,
    pub folder: Folder,
    pub unpacked: PathBuf,
    pub path: String,
}

impl Scene {
    pub fn new(name: &str) -> Option<Scene> {
        let unpacked = unpacked()?;
        let [programs, servers] = ["usr/bin", "usr/sbin"].map(|part| unpacked.join(part));
        let path = format!("{}:{}:/usr/bin:/bin", programs.display(), servers.display());
        let folder = Folder::new(name);
        Some(Scene { _ends: Ends(folder.path("pipes")), folder, unpacked, path })
    }

    pub fn pipes(&self) -> PathBuf {
        self.folder.path("pipes")
    }

    /// Beside whatever other daemons this machine has: other tests start theirs at the same time.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cuota(["mps"].iter().chain(arguments));
        if ["start", "supervise"].contains(&arguments[0]) {
            command.arg("--beside");
        }
        command.env("PATH", &self.path).env("CUDA_MPS_PIPE_DIRECTORY", self.pipes());
        command
    }

    /// Ends with that status, and says that, on one side or the other.
    #[track_caller]
    pub fn ends(&self, arguments: &[&str], status: i32, words: &str) {
        let (ended, out, err) = ended(&mut self.command(arguments));
        assert_eq!(ended, Some(status), "{arguments:?}: {out}{err}");
        let said = format!("{out}{err}").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }

    pub fn status(&self) -> Value {
        let (_, out, err) = ended(&mut self.command(&["status", "--json"]));
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"))
    }

    pub fn pid(&self) -> i64 {
        self.status()["pid"].as_i64().expect("it runs")
    }

    /// NVIDIA's own program, to talk to the daemon with.
    pub fn control(&self) -> Command {
        let mut command = Command::new(self.unpacked.join("usr/bin/nvidia-cuda-mps-control"));
        command.env("CUDA_MPS_PIPE_DIRECTORY", self.pipes());
        command
    }

    /// Asks the daemon without us; the status, and what it says.
    pub fn ask(&self, what: &str) -> (Option<i32>, String) {
        let file = self.folder.file(&format!("ask-{:?}", std::thread::current().id()), what);
        let mut control = self.control();
        let (status, out, _) = ended(control.stdin(fs::File::open(file).expect("ours")));
        (status, out.trim().to_owned())
    }

    /// The same, until it is this one's turn.
    pub fn answer(&self, what: &str) -> String {
        loop {
            let (_, said) = self.ask(what);
            if !said.is_empty() {
                return said;
            }
        }
    }

    /// Somebody who has the daemon's ear, and says no more. Whoever comes while it still talks to another is
    /// sent away, and comes again. Not while anybody else asks.
    pub fn session(&self) -> Child {
        let heard = || {
            let log = fs::read_to_string(self.folder.path("pipes-log/control.log"));
            log.expect("it logs").matches("NEW UI").count()
        };
        loop {
            let before = heard();
            let mut session = self.control();
            let session = session.stdin(Stdio::piped()).stdout(Stdio::null());
            let mut session = session.stderr(Stdio::null()).spawn().expect("it can be run");
            // One that was sent away does not read that.
            let _ = session.stdin.as_ref().expect("piped").write_all(b"get_server_list\n");
            while session.try_wait().expect("ours").is_none() {
                if heard() > before {
                    return session;
                }
                std::thread::yield_now();
            }
        }
    }

    /// From now on the daemon's server is one that never gets ready.
    pub fn with_a_server_that_hangs(&mut self) {
        fs::create_dir(self.folder.path("stuck")).expect("a fresh directory");
        let text = "#!/bin/bash\nexec -a nvidia-cuda-mps-server sleep 1000\n";
        self.folder.script("stuck/nvidia-cuda-mps-server", text);
        self.path = format!("{}:{}", self.folder.path("stuck").display(), self.path);
    }

    /// A program that initialises the real driver, and so becomes a client.
    pub fn client(&self) -> Client {
        let library = self.unpacked.join("usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so.1");
        let program = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).cuInit(0)";
        let mut python = Command::new("python3");
        python.args(["-c", program]).arg(library).env("CUDA_MPS_PIPE_DIRECTORY", self.pipes());
        Client(python.spawn().expect("python3 can be run"))
    }

    /// How many daemons there are for the directory.
    pub fn daemons(&self) -> usize {
        real::of_directory(&self.pipes())
            .iter()
            .filter(|(_, words)| words.contains("nvidia-cuda-mps-control") && words.ends_with("-d"))
            .count()
    }
}

pub struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn signal(pid: i64, name: &str) {
    let sent = Command::new("kill").args([name, &pid.to_string()]).status();
    assert!(sent.expect("kill can be run").success());
}

/// A supervisor, and what it says, a line at a time.
pub struct Supervisor {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// All events that were heard, in their order.
    pub events: Vec<String>,
}

impl Supervisor {
    pub fn start(scene: &Scene, arguments: &[&str], set: &[(&str, &str)]) -> Supervisor {
        let all = [&["supervise", "--json", "--every", "10ms"], arguments].concat();
        let mut command = scene.command(&all);
        command.envs(set.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Supervisor { child, lines: output.lines(), events: Vec::new() }
    }

    /// What it says next of that kind.
    pub fn hear(&mut self, event: &str) -> Value {
        loop {
            let line = self.lines.next().unwrap_or_else(|| panic!("no {event}: {:?}", self.events));
            let said: Value = serde_json::from_str(&line.expect("text")).expect("one JSON object");
            self.events.push(said["event"].as_str().expect("its name").to_owned());
            if said["event"] == event {
                return said;
            }
        }
    }

    /// And what it says of it.
    pub fn hear_words(&mut self, event: &str) -> String {
        self.hear(event)["what"].as_str().expect("text").to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
