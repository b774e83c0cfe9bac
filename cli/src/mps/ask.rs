//! Commands of the control daemon, through its own program: one at a time, and not for long. Its exit
//! status says little, so its words are read.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cuota_core::mps::{Daemon, PATIENCE, PIPES, look};
use cuota_core::share::Percentage;

use super::PAUSE;
use crate::command::Failure;
use crate::program;

pub const CONTROL: &str = "nvidia-cuda-mps-control";
pub const SERVER: &str = "nvidia-cuda-mps-server";

/// The control program, which both is the daemon and talks to it.
pub fn control() -> Result<PathBuf, Failure> {
    program::find(CONTROL.as_ref()).map_err(|failure| Failure {
        text: format!(
            "{}\nInstall it (it comes with the driver; Debian: nvidia-cuda-mps), or add its folder to PATH.",
            failure.text
        ),
        ..failure
    })
}

/// A program of NVIDIA's own, as it is started by hand: without us in its environment, which the server
/// would inherit.
pub fn command(program: &Path, place: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| name.starts_with("CUOTA_"));
        if ours || name == "LD_PRELOAD" {
            command.env_remove(name);
        }
    }
    command.env(PIPES, place);
    command
}

/// The last command of every conversation: its answer is never empty, and so shows that it took place. With
/// many that ask at once the program may print nothing and return 0.
const PROOF: &str = "get_default_active_thread_percentage";

/// What the daemon answers to commands, a line each; words for why there is no answer. It talks to one at a
/// time: another is waited for, ever longer between two tries, for each leaves lines in the log.
pub fn ask(place: &Path, what: &str, patience: Duration) -> Result<String, String> {
    let end = Instant::now() + patience;
    let mut pause = PAUSE;
    loop {
        let Some(text) = tell(place, &format!("{what}\n{PROOF}"), patience)? else {
            return Err(format!("the daemon of {} has not answered `{what}`", place.display()));
        };
        if let Some(answer) = proven(&text) {
            return Ok(answer.to_owned());
        }
        let found = look(place, PATIENCE);
        if !matches!(found, Daemon::Answers) {
            return Err(found.in_words(place));
        }
        if Instant::now() + pause > end {
            return Err(format!(
                "the daemon of {} does not take `{what}` just now: somebody else is talking to it",
                place.display()
            ));
        }
        thread::sleep(pause);
        pause *= 2;
    }
}

/// The daemon's default for its clients' processes.
pub fn percentage(place: &Path, patience: Duration) -> Result<String, String> {
    ask(place, PROOF, patience)
}

/// What was said before the proof, if that is there.
fn proven(text: &str) -> Option<&str> {
    let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
    // With its point, which tells it from the number of a process.
    Percentage::parse(last).filter(|_| last.contains('.')).map(|_| before)
}

/// Says something to the daemon; what its program prints, if it ends in time.
pub fn tell(place: &Path, what: &str, patience: Duration) -> Result<Option<String>, String> {
    let program = control().map_err(|failure| failure.text)?;
    let mut child = command(&program, place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|why| format!("{}: {why}", program.display()))?;
    if let Some(mut input) = child.stdin.take() {
        let _ = writeln!(input, "{what}");
    }
    let answer = within(&mut child, patience);
    if answer.is_none() {
        let _ = child.kill();
    }
    let _ = child.wait();
    Ok(answer)
}

fn within(child: &mut Child, patience: Duration) -> Option<String> {
    let mut output = child.stdout.take()?;
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        let _ = said.send(text.trim().to_owned());
    });
    heard.recv_timeout(patience).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_with_its_proof() {
        assert_eq!(proven("100.0"), Some(""));
        assert_eq!(proven("17\n18\n12.5"), Some("17\n18"));
        assert_eq!(proven(""), None);
        assert_eq!(proven("17\n18"), None);
        assert_eq!(proven("Server 17 not found"), None);
    }
}
