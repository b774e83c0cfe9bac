//! Members that do as they are told (`tests/programs/members/member.c`), one client and one simulated
//! card among them, and what the ledger and the card say of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cuota_core::book::layout::{Layout, device, header};
use cuota_core::book::{self, Report};
use cuota_core::ledger::MOST_BYTES;

use super::{Scratch, library, simulator};

/// Longer than anything takes, on however slow a machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A client, its directory and its machine.
pub struct Crowd {
    pub scratch: Scratch,
    env: Vec<(String, String)>,
    program: PathBuf,
}

pub struct Member {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Crowd {
    /// Of clients with a quota of so many MiB.
    pub fn new(quota_mib: u64) -> Crowd {
        let scratch = Scratch::new();
        // Whoever else is let in by a test must get as far as the client's own directory.
        set_mode(&scratch.join(""), 0o755);
        for (name, mode) in [("sim", 0o777), ("clients", 0o700)] {
            std::fs::create_dir(scratch.join(name)).expect("the scratch directory is writable");
            set_mode(&scratch.join(name), mode);
        }
        let program = scratch.compile_linked("members/member.c", "member", &[]);
        let text = |path: PathBuf| path.into_os_string().into_string().expect("a plain path");
        let env = [
            ("LD_LIBRARY_PATH", text(simulator(""))),
            ("LD_PRELOAD", text(library())),
            ("CUOTA_SIM", text(scratch.join("sim"))),
            ("CUOTA_SIM_BYTES", "16GiB".into()),
            ("CUOTA_DIR", text(scratch.join("clients"))),
            ("CUOTA_CLIENT", "crowd".into()),
            ("CUOTA_VRAM", format!("{quota_mib}MiB")),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        Crowd { scratch, env, program }
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.env.push((name.into(), value.into()));
        }
    }

    /// Copies what members load to where every user may read.
    pub fn for_everybody(&mut self) {
        let names = ["libcuda.so.1", "libnvidia-ml.so.1"].map(|name| simulator("").join(name));
        for from in names.iter().chain([&library()]) {
            let to = self.scratch.join(from.file_name().expect("a file"));
            std::fs::copy(from, &to).expect("the scratch directory is writable");
            set_mode(&to, 0o755);
        }
        let place = self.scratch.path().to_str().expect("a plain path").to_string();
        self.set("LD_LIBRARY_PATH", &place);
        self.set("LD_PRELOAD", &format!("{place}/libcuota.so"));
    }

    pub fn env(&self, name: &str) -> &str {
        self.env.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn clients(&self) -> PathBuf {
        self.scratch.join("clients")
    }

    pub fn program(&self) -> &str {
        self.program.to_str().expect("a plain path")
    }

    /// A program of the client, behind whatever starts it: only the last is preloaded.
    pub fn command(&self, before: &[&str], program: &[&str]) -> Command {
        let mut command = Command::new("env");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CUOTA_") || name.starts_with("LD_") {
                command.env_remove(name);
            }
        }
        // What starts it is not a member, and is not to be hooked.
        command.args(before).arg("env");
        command.args(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(program);
        command
    }

    pub fn member(&self) -> Member {
        self.member_by(&[])
    }

    pub fn member_by(&self, before: &[&str]) -> Member {
        Member::start(self.command(before, &[self.program()]))
    }

    /// One that has initialised and has a context.
    pub fn enter(&self) -> Member {
        let mut member = self.member();
        assert_eq!(member.tell("init"), 0);
        member
    }

    pub fn ledger(&self) -> PathBuf {
        self.clients().join(book::file_name(self.env("CUOTA_CLIENT")))
    }

    pub fn report(&self) -> Report {
        book::read(&self.ledger(), 1000).expect("the ledger can be read")
    }

    /// MiB held of the first device, by those who live.
    pub fn used(&self) -> u64 {
        self.report().devices.first().map_or(0, |device| device.used >> 20)
    }

    /// MiB that stand in the file, whoever may be dead.
    pub fn written(&self) -> u64 {
        written(&self.ledger()) >> 20
    }

    pub fn words(&self) -> Words {
        Words(self.ledger())
    }
}

/// The bytes that a ledger says are held of its first device, dead or alive.
pub fn written(ledger: &std::path::Path) -> u64 {
    let words = Words(ledger.to_owned());
    let layout = Layout::new(words.get(header::MEMBERS), words.get(header::EVENTS));
    words.get(layout.device_at(0) as usize / 8 + device::TOTAL) & MOST_BYTES
}

/// A file's words.
pub struct Words(PathBuf);

impl Words {
    pub fn get(&self, index: usize) -> u64 {
        let mut bytes = [0; 8];
        let file = std::fs::File::open(&self.0).expect("it is there");
        file.read_exact_at(&mut bytes, index as u64 * 8).expect("it is long enough");
        u64::from_le_bytes(bytes)
    }

    pub fn set(&self, index: usize, value: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(&self.0).expect("it is there");
        file.write_all_at(&value.to_le_bytes(), index as u64 * 8).expect("it is ours");
    }
}

pub fn set_mode(path: &std::path::Path, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, permissions).expect("it is ours");
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "never: {what}");
        std::thread::yield_now();
    }
}

/// Whether this process may make namespaces; a line if not.
pub fn may_unshare() -> bool {
    let tried = Command::new("unshare")
        .args(["--pid", "--mount", "--cgroup", "--fork", "--mount-proc", "true"])
        .output();
    let may = tried.is_ok_and(|tried| tried.status.success());
    if !may {
        eprintln!("skipped: no namespaces may be made here (needs root)");
    }
    may
}

impl Member {
    fn start(mut command: Command) -> Member {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it can be started");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Member { child, input, output }
    }

    /// Does what it is told, and its answer; a panic if it is gone.
    pub fn tell(&mut self, line: &str) -> i64 {
        self.ask(line);
        self.answer().unwrap_or_else(|| panic!("{line}: no answer; {}", self.gone()))
    }

    pub fn ask(&mut self, line: &str) {
        let input = self.input.as_mut().expect("not ended yet");
        writeln!(input, "{line}").and_then(|()| input.flush()).expect("it reads");
    }

    pub fn answer(&mut self) -> Option<i64> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        line.trim().parse().ok()
    }

    /// The process that was started; behind `unshare` it is not the member.
    pub fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub fn signal(&self, signal: i32) {
        send(self.pid(), signal);
    }

    /// Killed, and left as its parent finds it: not waited for.
    pub fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    fn gone(&mut self) -> String {
        drop(self.input.take());
        let status = self.child.wait().expect("ours");
        let mut text = String::new();
        let _ = self.child.stderr.take().expect("piped").read_to_string(&mut text);
        format!("{status} {:?} {text}", status.signal())
    }

    /// It has ended by itself: how, and what it said on standard error.
    pub fn ended(mut self) -> (std::process::ExitStatus, String) {
        let status = self.child.wait().expect("ours");
        let mut text = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
        (status, text)
    }

    /// Ends it as it likes to, and what it said on standard error.
    pub fn end(mut self) -> String {
        drop(self.input.take());
        self.child.wait().expect("ours");
        let mut text = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
        text
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send(pid: i32, signal: i32) {
    // SAFETY: a signal to a process this test has made.
    unsafe { libc::kill(pid, signal) };
}

/// Runs a program to its end.
pub fn finish(mut command: Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), text + &String::from_utf8_lossy(&output.stderr))
}
