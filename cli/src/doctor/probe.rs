//! A child of ours under the preload, asked what it finds: which library stands before the driver,
//! which driver the library found, and what that answers. To ask is surer than to search again.
#![forbid(unsafe_code)]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::command::Failure;
use crate::exports;
use crate::native::driver::{Driver, Lookup};

/// A driver that takes longer to start has most likely stopped.
const PATIENCE: Duration = Duration::from_secs(60);

/// The child's side: facts as they come, so that a driver that never answers still leaves those
/// before it.
pub fn answer() -> Result<u8, Failure> {
    if let Some((library, _)) = mapped().into_iter().find(|(path, _)| exports_name(path, "cuota_version")) {
        tell("preloaded", library.display());
    }
    match Driver::open(Lookup::Dlsym) {
        Ok(driver) => question(&driver),
        Err(why) => tell("absent", why),
    }
    Ok(0)
}

fn question(driver: &Driver) {
    // The first call makes the library load the real driver.
    let version = driver.version();
    let files = mapped();
    let ours = |path: &Path| exports_name(path, "cuota_version");
    if let Some(address) = driver.address("cuInit")
        && let Some((path, _)) = files.iter().find(|(_, range)| range.contains(&address))
        && ours(path)
    {
        tell("in-front", path.display());
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| exports_name(path, "cuInit") && !ours(path)) {
        tell("driver", path.display());
    }
    if let Ok(version) = version {
        tell("version", version);
    }
    let status = driver.init().err().map_or(0, |refused| refused.status.unwrap_or(0));
    let name = driver.name_of(status).unwrap_or_default();
    tell("init", format_args!("{status} {name}"));
}

fn tell(fact: &str, what: impl std::fmt::Display) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{fact} {what}").and_then(|()| out.flush());
}

fn exports_name(path: &Path, name: &str) -> bool {
    exports::of(path).is_ok_and(|names| names.contains(name))
}

/// The files this process has code of, and where.
fn mapped() -> Vec<(PathBuf, std::ops::Range<usize>)> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter_map(mapping).collect()
}

fn mapping(line: &str) -> Option<(PathBuf, std::ops::Range<usize>)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let at = |text| usize::from_str_radix(text, 16).ok();
    let path = rest.get(rest.find('/')?..)?;
    rest.get(..4)?.contains('x').then_some((path.into(), at(start)?..at(end)?))
}

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
    pub ended: Ended,
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
pub fn ask(mut command: Command) -> Result<Answers, Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().map_err(|why| Failure::ours(format!("cannot start a child: {why}")))?;
    let (lines, facts) = mpsc::channel();
    let out = child.stdout.take();
    thread::spawn(move || {
        for line in out.into_iter().flat_map(|out| BufReader::new(out).lines()).map_while(Result::ok) {
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
    loop {
        match facts.recv_timeout(PATIENCE) {
            Ok(line) => answers.hear(&line),
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
    if !ended.success() {
        let said = said.join().unwrap_or_default();
        answers.ended = Ended::Badly(format!("{ended}: {}", said.trim()));
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
    fn only_code_of_files_is_a_mapping() {
        let line = "7f00-7f10 r-xp 00000000 08:01 42                         /usr/lib/with space.so";
        assert_eq!(mapping(line), Some(("/usr/lib/with space.so".into(), 0x7f00..0x7f10)));
        assert_eq!(mapping("7f00-7f10 rw-p 00000000 08:01 42  /usr/lib/libc.so.6"), None);
        assert_eq!(mapping("7f00-7f10 r-xp 00000000 00:00 0  [vdso]"), None);
        assert_eq!(mapping(""), None);
    }

    #[test]
    fn what_a_child_tells() {
        let mut answers = Answers::default();
        for line in ["preloaded /a b", "driver /c", "version 13040", "init 100 CUDA_ERROR_NO_DEVICE", "?"] {
            answers.hear(line);
        }
        let expected = Answers {
            preloaded: Some("/a b".into()),
            driver: Some("/c".into()),
            version: Some(13040),
            init: Some((100, "CUDA_ERROR_NO_DEVICE".into())),
            ..Answers::default()
        };
        assert_eq!(answers, expected);
    }
}
