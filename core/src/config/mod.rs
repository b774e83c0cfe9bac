//! The environment, as one table of options.
#![forbid(unsafe_code)]

mod aliases;
mod borrowed;
mod choices;
mod complaint;
mod devices;
mod naming;
mod plain;
mod size;
mod sm;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

pub use borrowed::{Adopted, Reported, Why};
pub use choices::{LEFT_FOR_FAULT, Level, Mps, OnFault, Priority, Share, View};
pub use complaint::Complaint;
pub use devices::{DeviceName, Limits, NotAUuid, Uuid};
pub use naming::{is_client_name, name_of_run};
pub use size::{LARGEST, Size};
pub use sm::Sm;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    pub log: Level,
    /// Every hook passes straight through.
    pub disable: bool,
    /// The file to count every call in.
    pub tally: Option<PathBuf>,
    /// The name that was given; without one it follows from where the process runs.
    pub client: Option<String>,
    pub labels: Vec<(String, String)>,
    pub vram: Limits,
    pub sm: Option<Sm>,
    pub share: Share,
    pub priority: Priority,
    pub mps: Mps,
    pub on_fault: OnFault,
    /// How long exit may wait; without one it depends on whether there is MPS.
    pub drain: Option<Duration>,
    pub view: View,
    /// What cannot be read, or kept account of, makes `cuInit` fail.
    pub strict: bool,
    pub dir: Option<PathBuf>,
    /// Events kept.
    pub ring: u32,
    /// Processes a new ledger has room for.
    pub members: u32,
    /// Other tools' variables that were taken for limits.
    pub adopted: Vec<Adopted>,
    /// Other tools' variables that are set and were not.
    pub reported: Vec<Reported>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            log: Level::Warn,
            disable: false,
            tally: None,
            client: None,
            labels: Vec::new(),
            vram: Limits::default(),
            sm: None,
            share: Share::Auto,
            priority: Priority::Normal,
            mps: Mps::Prefer,
            on_fault: OnFault::Keep,
            drain: None,
            view: View::Slice,
            strict: false,
            dir: None,
            ring: 8192,
            members: 64,
            adopted: Vec::new(),
            reported: Vec::new(),
        }
    }
}

const VRAM: &str = "CUOTA_VRAM";
const SM: &str = "CUOTA_SM";

/// One variable: its name, what it accepts in words, and how it is read: `false` where it cannot be,
/// and then nothing is changed.
struct Row {
    variable: &'static str,
    accepted: &'static str,
    read: fn(&mut Reading, &str) -> bool,
}

const fn row(
    variable: &'static str,
    accepted: &'static str,
    read: fn(&mut Reading, &str) -> bool,
) -> Row {
    Row { variable, accepted, read }
}

// A row a line, whatever its length.
#[rustfmt::skip]
const OPTIONS: [Row; 17] = [
    row("CUOTA_LOG", "off, error, warn, info or debug", |to, text| put(&mut to.config.log, Level::parse(text))),
    row("CUOTA_DISABLE", "0 or 1", |to, text| put(&mut to.config.disable, plain::switch(text))),
    row("CUOTA_TALLY", "an absolute path", |to, text| put(&mut to.config.tally, some(plain::path(text)))),
    row("CUOTA_CLIENT", naming::A_NAME, |to, text| put(&mut to.config.client, some(naming::name(text)))),
    row("CUOTA_LABELS", naming::LABELS, |to, text| put(&mut to.config.labels, naming::labels(text))),
    row(VRAM, devices::A_LIST, |to, text| put(&mut to.config.vram, Limits::parse(text))),
    row(SM, "1% to 100%, or a number of SMs such as 40sm", |to, text| put(&mut to.config.sm, some(Sm::parse(text)))),
    row("CUOTA_SHARE", "auto, mps, pace or off", |to, text| put(&mut to.config.share, Share::parse(text))),
    row("CUOTA_PRIORITY", "normal or low", |to, text| put(&mut to.config.priority, Priority::parse(text))),
    row("CUOTA_MPS", "require, prefer or ignore", |to, text| put(&mut to.config.mps, Mps::parse(text))),
    row("CUOTA_ON_FAULT", "keep or exit", |to, text| put(&mut to.config.on_fault, OnFault::parse(text))),
    row("CUOTA_DRAIN", plain::A_SPAN, |to, text| put(&mut to.config.drain, some(plain::span(text)))),
    row("CUOTA_VIEW", "slice or device", |to, text| put(&mut to.config.view, View::parse(text))),
    row("CUOTA_STRICT", "0 or 1", |to, text| put(&mut to.strict, some(plain::switch(text)))),
    row("CUOTA_DIR", "an absolute path", |to, text| put(&mut to.config.dir, some(plain::path(text)))),
    row("CUOTA_RING", "64 to 1048576", |to, text| put(&mut to.config.ring, plain::count(text, 64..=1 << 20))),
    row("CUOTA_MEMBERS", "64 to 512", |to, text| put(&mut to.config.members, plain::count(text, 64..=512))),
];

/// What has been read so far.
#[derive(Default)]
struct Reading {
    config: Config,
    /// What was said of strictness, if anything.
    strict: Option<bool>,
    complaints: Vec<Complaint>,
    /// Some limit was asked for, and nobody knows which.
    misread_limit: bool,
}

impl Config {
    /// Reads the options through `variable`. What cannot be read keeps its default and is complained
    /// of; an empty variable is as good as none.
    pub fn parse(variable: &dyn Fn(&str) -> Option<OsString>) -> (Config, Vec<Complaint>) {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut reading = Reading::default();
        for Row { variable, accepted, read } in &OPTIONS {
            let Some(value) = set(variable) else { continue };
            if !value.to_str().is_some_and(|text| read(&mut reading, text)) {
                reading.misread_limit |= [VRAM, SM].contains(variable);
                reading.complain(Cow::Borrowed(variable), &value, accepted);
            }
        }
        aliases::read(&mut reading, &set);
        let Reading { mut config, strict, complaints, misread_limit } = reading;
        // Whoever asked for a limit did not ask for none when it turns out unreadable.
        let limited = !config.vram.is_empty() || config.sm.is_some() || misread_limit;
        config.strict = strict.unwrap_or(limited);
        (config, complaints)
    }
}

impl Reading {
    fn complain(&mut self, variable: Cow<'static, str>, value: &OsStr, accepted: &'static str) {
        let read = value.to_string_lossy().into_owned();
        self.complaints.push(Complaint { variable, read, accepted });
    }
}

fn put<T>(place: &mut T, read: Option<T>) -> bool {
    let readable = read.is_some();
    if let Some(value) = read {
        *place = value;
    }
    readable
}

/// For a place that is empty by default.
fn some<T>(read: Option<T>) -> Option<Option<T>> {
    read.map(Some)
}
