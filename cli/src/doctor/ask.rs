//! A child of ours under the preload, and what it tells (`probe`): to ask the library what it finds
//! is surer than to search again.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cuota_core::config::Uuid;

use crate::command::Failure;

/// A driver that takes longer to start has most likely stopped.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether anybody still wants to know.
const SLICE: Duration = Duration::from_millis(50);

/// What the child told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The library is loaded in the child.
    pub preloaded: Option<PathBuf>,
    /// The library whose `cuInit` a program gets.
    pub in_front: Option<PathBuf>,
    pub driver: Option<PathBuf>,
    /// Why there is no driver, in the loader's words.
    pub absent: Option<String>,
    pub version: Option<u32>,
    /// `cuInit`'s status and its name.
    pub init: Option<(u32, String)>,
    /// In the order the driver counts them.
    pub devices: Vec<Device>,
    /// Of the driver's kernel module, as NVML has it.
    pub release: Option<String>,
    /// On standard error, by the library or by others.
    pub said: String,
    pub ended: Ended,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Device {
    pub uuid: Uuid,
    /// Major and minor compute capability.
    pub capability: (i32, i32),
    /// As the driver numbers them.
    pub compute_mode: i32,
    /// Nothing from a driver that is too old to tell.
    pub under_mps: Option<bool>,
}

impl Device {
    fn told(what: &str) -> Option<Device> {
        let mut words = what.split(' ');
        let uuid = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse().ok();
        let (capability, compute_mode) = ((number()?, number()?), number()?);
        Some(Device { uuid, capability, compute_mode, under_mps: number().map(|mps| mps != 0) })
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub enum Ended {
    #[default]
    Well,
    /// It was not done in time.
    Late,
    /// In words, with what it said on standard error.
    Badly(String),
}

/// Runs the child: `command` is this program under the preload.
pub fn ask(command: Command) -> Result<Answers, Failure> {
    ask_while(command, &|| true)
}

/// The same for as long as somebody wants to know: what was told by then.
pub fn ask_while(mut command: Command, wanted: &dyn Fn() -> bool) -> Result<Answers, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|why| Failure::ours(format!("cannot start a child: {why}")))?;
    let (lines, facts) = mpsc::channel();
    let out = child.stdout.take();
    thread::spawn(move || {
        for line in
            out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok)
        {
            let _ = lines.send(line);
        }
    });
    let mut said = child.stderr.take();
    let said = thread::spawn(move || {
        let mut text = String::new();
        if let Some(said) = &mut said {
            let _ = said.read_to_string(&mut text);
        }
        text
    });
    let mut answers = Answers::default();
    let mut end = Instant::now() + PATIENCE;
    loop {
        match facts.recv_timeout(SLICE) {
            Err(mpsc::RecvTimeoutError::Timeout) if wanted() && Instant::now() < end => {}
            Ok(line) => {
                answers.hear(&line);
                end = Instant::now() + PATIENCE;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                answers.ended = Ended::Late;
                // A process inside the kernel's driver may not die at once: it is not waited for.
                let _ = child.kill();
                return Ok(answers);
            }
        }
    }
    let ended = child.wait().map_err(|why| Failure::ours(format!("waiting for a child: {why}")))?;
    answers.said = said.join().unwrap_or_default().trim().to_owned();
    if !ended.success() {
        answers.ended = Ended::Badly(format!("{ended}: {}", answers.said));
    }
    Ok(answers)
}

impl Answers {
    fn hear(&mut self, line: &str) {
        let (fact, what) = line.split_once(' ').unwrap_or((line, ""));
        match fact {
            "preloaded" => self.preloaded = Some(what.into()),
            "in-front" => self.in_front = Some(what.into()),
            "driver" => self.driver = Some(what.into()),
            "absent" => self.absent = Some(what.into()),
            "version" => self.version = what.parse().ok(),
            "device" => self.devices.extend(Device::told(what)),
            "release" => self.release = Some(what.into()),
            "init" => {
                let (status, name) = what.split_once(' ').unwrap_or((what, ""));
                self.init = status.parse().ok().map(|status| (status, name.to_owned()));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_tells() {
        let mut answers = Answers::default();
        const FIRST: &str = "device GPU-00000000-0000-0000-0000-000000000000 9 0 3 1";
        const SECOND: &str = "device GPU-01010101-0101-0101-0101-010101010101 6 1 0";
        for line in [
            "preloaded /a b",
            "driver /c",
            "version 13040",
            "init 100 CUDA_ERROR_NO_DEVICE",
            "device of nothing",
            FIRST,
            SECOND,
            "release 535.1",
            "?",
        ] {
            answers.hear(line);
        }
        let device = |byte, capability, compute_mode, under_mps| Device {
            uuid: Uuid([byte; 16]),
            capability,
            compute_mode,
            under_mps,
        };
        let expected = Answers {
            preloaded: Some("/a b".into()),
            driver: Some("/c".into()),
            version: Some(13040),
            init: Some((100, "CUDA_ERROR_NO_DEVICE".into())),
            devices: vec![device(0, (9, 0), 3, Some(true)), device(1, (6, 1), 0, None)],
            release: Some("535.1".into()),
            ..Answers::default()
        };
        assert_eq!(answers, expected);
    }
}
