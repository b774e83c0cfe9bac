//! What a daemon is told for the servers it starts: it forgets it when it ends, and says nothing or
//! something else of a value it does not take. So every value is read back.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use clap::Args;
use cuota_core::share::Percentage;

use super::{NOT_SO, ask};
use crate::command::Failure;

#[derive(Args, Default)]
pub struct Defaults {
    /// The most of the SMs that any client's process may use: 1 to 100
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    percentage: Option<Percentage>,
    /// The most of a device's memory that any client's process may have: 0=8G, 1=512M; may be repeated
    #[arg(long, value_name = "DEVICE=SIZE", value_delimiter = ',', value_parser = memory)]
    mem_limit: Vec<(u16, Megabytes)>,
    /// Whose work goes first: low is after the others' [possible values: normal, low]
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    priority: Option<Priority>,
}

/// As the daemon reads them: a whole number of `G` or `M`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Megabytes(u64);

impl Megabytes {
    fn parse(text: &str) -> Option<Megabytes> {
        let (number, scale) = match text.strip_suffix('G') {
            Some(number) => (number, 1024),
            None => (text.strip_suffix('M')?, 1),
        };
        // It takes a sign, and makes sixteen billion billions of it.
        let number: u32 = number.parse().ok().filter(|_| !number.starts_with('+'))?;
        (number > 0).then_some(Megabytes(u64::from(number) * scale))
    }
}

#[derive(Clone, Copy)]
enum Priority {
    Normal,
    Low,
}

fn percentage(text: &str) -> Result<Percentage, String> {
    Percentage::parse(text).ok_or_else(|| "a percentage above 0, up to 100".to_owned())
}

fn memory(text: &str) -> Result<(u16, Megabytes), String> {
    let parts = text.split_once('=');
    let parsed =
        parts.and_then(|(device, size)| Some((device.parse().ok()?, Megabytes::parse(size)?)));
    parsed.ok_or_else(|| "a device's number, and a whole number of G or M: 0=8G".to_owned())
}

fn priority(text: &str) -> Result<Priority, String> {
    match text {
        "normal" => Ok(Priority::Normal),
        "low" => Ok(Priority::Low),
        _ => Err("normal or low".to_owned()),
    }
}

/// Why a daemon does not have them.
#[derive(Debug)]
pub enum Untold {
    /// It could not be asked: perhaps later.
    Unheard(String),
    /// It does not take them.
    Refused(String),
}

impl From<Untold> for Failure {
    fn from(why: Untold) -> Failure {
        let (Untold::Unheard(text) | Untold::Refused(text)) = why;
        Failure { status: NOT_SO, text }
    }
}

impl Defaults {
    /// Tells the daemon; what is in force then, in words.
    pub fn tell(&self, place: &Path, patience: Duration) -> Result<Vec<String>, Untold> {
        let mut said = Vec::new();
        if let Some(wanted) = self.percentage {
            let name = "active_thread_percentage";
            let is = set(place, name, "", &wanted.to_string(), patience)?;
            require(Percentage::parse(&is) == Some(wanted), &format!("{wanted} %"), &is)?;
            said.push(format!("no client's process may use more than {wanted} % of the SMs"));
        }
        for (device, Megabytes(wanted)) in &self.mem_limit {
            let (on, size) = (format!(" {device}"), format!("{wanted}M"));
            let is = set(place, "device_pinned_mem_limit", &on, &size, patience)?;
            let what = format!("{size} of device {device}");
            require(Megabytes::parse(&is) == Some(Megabytes(*wanted)), &what, &is)?;
            said.push(format!("no client's process may have more than {what}"));
        }
        if let Some(wanted) = self.priority {
            let (number, words) = match wanted {
                Priority::Normal => ("0", "clients' work has the normal priority"),
                Priority::Low => ("1", "clients' work goes after others'"),
            };
            let is = set(place, "client_priority", "", number, patience)?;
            require(is == number, &format!("priority {number}"), &is)?;
            said.push(words.to_owned());
        }
        Ok(said)
    }
}

/// Sets one, and reads it back.
fn set(
    place: &Path,
    name: &str,
    on: &str,
    value: &str,
    patience: Duration,
) -> Result<String, Untold> {
    let both = format!("set_default_{name}{on} {value}\nget_default_{name}{on}");
    let said = ask::ask(place, &both, patience).map_err(Untold::Unheard)?;
    // Whatever the first has said of itself.
    Ok(said.lines().last().unwrap_or_default().trim().to_owned())
}

fn require(so: bool, wanted: &str, is: &str) -> Result<(), Untold> {
    let is = if is.is_empty() { "nothing of it" } else { is };
    let why = || format!("the daemon was told {wanted} for its clients, and says {is}");
    so.then_some(()).ok_or_else(|| Untold::Refused(why()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_what_the_daemon_takes_it_for() {
        assert_eq!(Megabytes::parse("2G"), Megabytes::parse("2048M"));
        assert_eq!(memory("3=512M"), Ok((3, Megabytes(512))));
        for wrong in [
            "", "0", "=1G", "0=", "0=G", "0=0G", "0=-1G", "0=+1G", "0=1.5G", "0=1", "0=1MB", "x=1G",
        ] {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_priority_has_two_words() {
        assert!(priority("low").is_ok() && priority("normal").is_ok());
        assert!(priority("1").is_err());
    }
}
