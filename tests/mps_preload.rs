//! A control daemon that was started under the preload by mistake, with limits in its environment, is the same
//! daemon: to its servers, to whoever asks it and to the real driver's clients. All of them are Debian's real
//! ones, where they can be had; without a GPU every server they start fails, in the same way.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cuota_core::mps;
use support::told::Ends;
use support::{Scratch, library, real};

/// What is asked of it: what our limits would have become, if we had set them there.
const QUESTIONS: &str = "get_default_active_thread_percentage\nget_default_device_pinned_mem_limit 0\n\
                         get_default_client_priority\nget_server_list\nno_such_command";

/// Lines of its log that our own looks at it leave, or that name its directory.
const OTHERS: [&str; 4] =
    ["Accepting connection", "User did not send", "Starting control", "To connect"];

struct Daemon {
    // First: the directory goes when nobody uses it.
    _ends: Ends,
    scratch: Scratch,
    control: PathBuf,
    preloaded: bool,
}

impl Daemon {
    fn start(preloaded: bool) -> Option<Daemon> {
        let (control, server) = (real::mps_control()?, real::mps_server()?);
        let scratch = Scratch::new();
        let ends = Ends(scratch.join("pipes"));
        let daemon = Daemon { _ends: ends, scratch, control, preloaded };
        for name in ["log", "ledgers"] {
            std::fs::create_dir(daemon.scratch.join(name)).expect("a fresh directory");
        }
        let folder = server.parent().expect("its folder").display().to_string();
        let mut start = daemon.command();
        start.arg("-d").env("PATH", format!("{folder}:/usr/bin:/bin"));
        start.env("CUDA_MPS_LOG_DIRECTORY", daemon.scratch.join("log"));
        // Its servers find the driver, and start it.
        start.env("LD_LIBRARY_PATH", real::libcuda().expect("it comes with the server"));
        assert!(start.stdin(Stdio::null()).status().expect("it can be run").success());
        while !matches!(mps::look(&daemon.pipes(), mps::PATIENCE), mps::Daemon::Answers) {
            std::thread::yield_now();
        }
        Some(daemon)
    }

    fn pipes(&self) -> PathBuf {
        self.scratch.join("pipes")
    }

    /// The control program, as the daemon itself was started.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.control);
        command.env("CUDA_MPS_PIPE_DIRECTORY", self.pipes()).env_remove("LD_PRELOAD");
        if self.preloaded {
            command.envs([("CUOTA_VRAM", "1GiB"), ("CUOTA_SM", "30%"), ("CUOTA_PRIORITY", "low")]);
            command.envs([("CUOTA_CLIENT", "daemon"), ("CUOTA_LOG", "debug")]);
            command.env("LD_PRELOAD", library()).env("CUOTA_DIR", self.scratch.join("ledgers"));
            command.env("CUOTA_TALLY", self.scratch.join("tally"));
        }
        command
    }

    fn ask(&self, what: &str) -> (Option<i32>, String, String) {
        let file = self.scratch.join("ask");
        std::fs::write(&file, what).expect("ours");
        let file = std::fs::File::open(file).expect("just written");
        let output = self.command().stdin(file).output().expect("it can be run");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// What the real driver's start returns to a client.
    fn client(&self) -> String {
        let library = real::libcuda().expect("it comes with the server").join("libcuda.so.1");
        let program = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).cuInit(0))";
        let mut python = Command::new("python3");
        python.args(["-c", program]).arg(library).env("CUDA_MPS_PIPE_DIRECTORY", self.pipes());
        let output = python.env_remove("LD_PRELOAD").output().expect("python3 can be run");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What it did: its log's lines without when and by whom, and without the numbers of
    /// processes.
    fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.scratch.join("log/control.log")).expect("it logs");
        let said = text.lines().map(|line| line.split_once("] ").map_or(line, |(_, said)| said));
        let said = said.filter(|line| !OTHERS.iter().any(|other| line.starts_with(other)));
        let without_numbers = |line: &str| {
            let mut before = "";
            let words = line.split(' ').filter(|word| {
                let named = ["server", "Server", "CLIENT"].contains(&before);
                before = word;
                !named
            });
            words.collect::<Vec<_>>().join(" ")
        };
        said.map(without_numbers).collect()
    }

    fn exists(&self) -> bool {
        matches!(
            mps::look(&self.pipes(), mps::PATIENCE),
            mps::Daemon::Answers | mps::Daemon::Silent
        )
    }

    fn pid(&self) -> i32 {
        // It goes on to write that after it has let its parent go.
        loop {
            let text = std::fs::read_to_string(self.scratch.join("log/control.log"));
            let text = text.unwrap_or_default();
            let pid = text.split("Control ").nth(1).and_then(|rest| rest.split_once(']'));
            if let Some((pid, _)) = pid {
                return pid.trim().parse().expect("a number");
            }
            std::thread::yield_now();
        }
    }
}

fn is_in(pid: i32, library: &Path) -> bool {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it runs");
    maps.contains(library.file_name().expect("its name").to_str().expect("plain"))
}

#[test]
fn a_daemon_under_the_preload_is_the_same_daemon() {
    let Some(bare) = Daemon::start(false) else { return };
    let with = Daemon::start(true).expect("as the first");
    assert!(is_in(with.pid(), &library()) && !is_in(bare.pid(), &library()));

    let [one, two] = [&bare, &with].map(Daemon::client);
    assert_eq!(one, two, "what cuInit returns");
    let [one, two] = [&bare, &with].map(|daemon| daemon.ask(QUESTIONS));
    assert!(one.1.starts_with("100.0\n"), "{one:?}");
    assert_eq!(one, two, "what is answered");
    let [one, two] = [&bare, &with].map(|daemon| {
        while !daemon.log().iter().any(|line| line == "UI closed") {
            std::thread::yield_now();
        }
        daemon.log()
    });
    assert!(one.iter().any(|line| line.starts_with("Starting new server")), "{one:#?}");
    assert_eq!(one, two, "what it did");
    // With which status it ends, and whether it logs that, is chance after servers that failed.
    for daemon in [&bare, &with] {
        daemon.ask("quit");
        assert!(!daemon.exists(), "it ends");
    }
    let ledgers = std::fs::read_dir(with.scratch.join("ledgers")).expect("ours").count();
    assert_eq!(ledgers, 0, "none of them is a client");
    assert!(!with.scratch.join("tally").exists(), "and nothing of ours ran");
}
