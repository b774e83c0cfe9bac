//! A client of a drill as its parent has it: told what to do, and waited for, but not for ever.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// The library looks at the device a few times a second.
const LEAVES: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

pub struct Process {
    pub name: String,
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
}

/// What the driver answered to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A status; 0 is yes.
    Status(u32),
    /// It said nothing: it has gone, or waits.
    Nothing,
}

impl Process {
    pub fn start(name: String, mut command: Command) -> std::io::Result<Process> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let (said, output) = mpsc::channel();
        if let Some(lines) = child.stdout.take() {
            let pass_on = move || {
                let lines = BufReader::new(lines).lines().map_while(Result::ok);
                lines.take_while(|line| said.send(line.clone()).is_ok()).for_each(drop);
            };
            thread::spawn(pass_on);
        }
        Ok(Process { name, child, input, output })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn ask(&mut self, what: &str) -> Told {
        self.tell(what);
        self.hear()
    }

    pub fn tell(&mut self, what: &str) {
        // One that is gone by now is noticed by what it does not say.
        if let Some(input) = &mut self.input {
            let _ = writeln!(input, "{what}");
        }
    }

    pub fn hear(&self) -> Told {
        let line = self.output.recv_timeout(PATIENCE).unwrap_or_default();
        let mut words = line.split_whitespace();
        match (words.next(), words.next().and_then(|word| word.parse().ok())) {
            (Some("done"), _) => Told::Status(0),
            (Some("refused"), Some(status)) => Told::Status(status),
            _ => Told::Nothing,
        }
    }

    /// The status it has left with by itself, if it has.
    pub fn left(&mut self) -> Option<i32> {
        self.child.try_wait().ok().flatten().map(status)
    }

    /// The same, once it has: not for ever.
    pub fn leaves(&mut self) -> Option<i32> {
        self.left_within(LEAVES)
    }

    fn left_within(&mut self, patience: Duration) -> Option<i32> {
        let end = Instant::now() + patience;
        loop {
            match self.left() {
                None if Instant::now() < end => thread::sleep(PAUSE),
                found => return found,
            }
        }
    }

    /// Lets it end; one that does not is killed.
    pub fn end(&mut self) {
        self.input = None;
        if self.left_within(PATIENCE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signal is a status below 0.
fn status(ended: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    ended.code().or(ended.signal().map(|signal| -signal)).unwrap_or_default()
}
