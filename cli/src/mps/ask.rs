//! Commands of the control daemon, through its own program: one at a time, and not for long. Its exit
//! status says little, so its words are read.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cuota_core::mps::PIPES;

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

/// What the daemon answers to a command; words for why there is no answer.
pub fn ask(place: &Path, what: &str, patience: Duration) -> Result<String, String> {
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
    let ended = child.wait().map_err(|why| why.to_string())?;
    match answer {
        None => Err(format!("the daemon of {} has not answered `{what}`", place.display())),
        Some(text) if text.is_empty() && !ended.success() => Err(format!(
            "the daemon of {} does not take `{what}` just now: somebody else is talking to it",
            place.display()
        )),
        Some(text) => Ok(text),
    }
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
