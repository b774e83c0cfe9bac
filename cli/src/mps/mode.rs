//! The devices' compute mode: with EXCLUSIVE_PROCESS a program that does not find the daemon fails, instead
//! of running beside it. What was there before is kept in the daemon's directory until it is stopped.
#![forbid(unsafe_code)]

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::devices::{Devices, VARIABLE};
use super::{NOT_SO, ask};
use crate::command::Failure;
use crate::export::textfile;
use crate::program;

const SMI: &str = "nvidia-smi";
const EXCLUSIVE: &str = "EXCLUSIVE_PROCESS";
/// In the daemon's directory: a device and its mode, a line each.
const KEPT: &str = "cuota.mode";

/// Sets it on all devices of ours that are in another mode.
pub fn exclude(place: &Path) -> Result<(), Failure> {
    let smi = Smi::find()?;
    for (device, mode) in ours(smi.modes(place)?)? {
        if mode == EXCLUSIVE {
            continue;
        }
        let before = kept(place)?;
        // What is kept of an earlier start is older, and stays.
        if !before.iter().any(|(known, _)| *known == device) {
            let with_this = before.iter().cloned().chain([(device.clone(), mode)]);
            keep(place, &with_this.collect::<Vec<_>>())?;
        }
        if let Err(why) = smi.set(place, &device, EXCLUSIVE) {
            keep(place, &before)?;
            // Where that fails, it is still kept, and `stop` tries again.
            let _ = restore(place);
            return Err(why);
        }
    }
    Ok(())
}

/// Puts back what was there before, if it was changed; what was done, in words.
pub fn restore(place: &Path) -> Result<Vec<String>, Failure> {
    let kept = kept(place)?;
    let mut left = kept.clone();
    let mut said = Vec::new();
    let mut done = Ok(());
    for (device, mode) in &kept {
        done = done.and_then(|()| Smi::find()?.set(place, device, mode));
        if done.is_ok() {
            left.retain(|(other, _)| other != device);
            said.push(format!("the compute mode of {device} is {mode} again"));
        }
    }
    keep(place, &left)?;
    done.map(|()| said)
}

/// The devices that the daemon is for.
fn ours(all: Vec<(String, String)>) -> Result<Vec<(String, String)>, Failure> {
    let devices = Devices::ours();
    let Some(names) = devices.names() else {
        if env::var_os(VARIABLE).is_some_and(|value| !value.is_empty()) {
            let why = format!(
                "--exclusive needs to know the devices: name them by UUID in {VARIABLE} (nvidia-smi -L)"
            );
            return Err(Failure::ours(why));
        }
        return Ok(all);
    };
    let named = |device: &str| names.iter().any(|name| device.to_lowercase().starts_with(name));
    let ours: Vec<_> = all.into_iter().filter(|(device, _)| named(device)).collect();
    if ours.is_empty() {
        let why = format!("--exclusive: {SMI} knows no GPU that {VARIABLE} names");
        return Err(Failure { status: NOT_SO, text: why });
    }
    Ok(ours)
}

fn kept(place: &Path) -> Result<Vec<(String, String)>, Failure> {
    match fs::read_to_string(place.join(KEPT)) {
        // Others may have written it, where the daemon itself has made its directory.
        Ok(text) => Ok(pairs(&text, ' ').into_iter().filter(|(_, mode)| is_mode(mode)).collect()),
        Err(why) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&why.kind()) => {
            Ok(Vec::new())
        }
        Err(why) => Err(Failure::ours(format!("{}: {why}", place.join(KEPT).display()))),
    }
}

fn keep(place: &Path, modes: &[(String, String)]) -> Result<(), Failure> {
    let file = place.join(KEPT);
    if modes.is_empty() {
        let _ = fs::remove_file(file);
        return Ok(());
    }
    let text: String = modes.iter().map(|(device, mode)| format!("{device} {mode}\n")).collect();
    textfile::write(&file, &text)
}

fn is_mode(word: &str) -> bool {
    ["DEFAULT", "EXCLUSIVE_THREAD", "PROHIBITED", EXCLUSIVE].contains(&word)
}

fn pairs(text: &str, between: char) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (device, mode) = line.split_once(between)?;
        // As it wants to be told what it says.
        Some((device.trim().to_owned(), mode.trim().to_uppercase()))
    };
    text.lines().filter_map(pair).collect()
}

struct Smi(PathBuf);

impl Smi {
    fn find() -> Result<Smi, Failure> {
        let found = program::find(SMI.as_ref()).map_err(|failure| Failure {
            text: format!(
                "{}\nThe compute mode is changed through it (it comes with the driver): add its folder to PATH.",
                failure.text
            ),
            ..failure
        })?;
        Ok(Smi(found))
    }

    fn modes(&self, place: &Path) -> Result<Vec<(String, String)>, Failure> {
        let said = self.run(place, &["--query-gpu=uuid,compute_mode", "--format=csv,noheader"])?;
        Ok(pairs(&said, ','))
    }

    fn set(&self, place: &Path, device: &str, mode: &str) -> Result<(), Failure> {
        self.run(place, &["-i", device, "-c", mode]).map(|_| ())
    }

    fn run(&self, place: &Path, words: &[&str]) -> Result<String, Failure> {
        let ended = ask::command(&self.0, place).args(words).output();
        let ended = ended.map_err(|why| Failure::ours(format!("{}: {why}", self.0.display())))?;
        let said = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
        if ended.status.success() {
            return Ok(said);
        }
        let also = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        let text = format!("{SMI} {}: {}; {said} {also}", words.join(" "), ended.status);
        Err(Failure { status: NOT_SO, text: text.trim_end().to_owned() })
    }
}
