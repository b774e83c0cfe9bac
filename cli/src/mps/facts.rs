//! What a supervisor knows of its daemon: as metrics, and in the daemon's directory for `status`.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::state::Server;
use crate::export::labels::Labels;
use crate::processes::Processes;

/// What has become of the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Condition {
    #[default]
    Gone,
    Answers,
    /// It says nothing.
    Silent,
    /// It talks to somebody else.
    Busy,
}

impl Condition {
    pub fn event(self) -> &'static str {
        match self {
            Condition::Gone => "died",
            Condition::Answers => "answers",
            Condition::Silent => "silent",
            Condition::Busy => "busy",
        }
    }
}

#[derive(Default)]
pub struct Facts {
    /// The daemon that is watched, if there is one.
    pub pid: Option<i32>,
    pub condition: Condition,
    pub starts: u64,
    pub deaths: u64,
    pub orphans: u64,
}

impl Facts {
    /// As node_exporter reads them from a file.
    pub fn metrics<'a>(&self, place: &Path, servers: impl Iterator<Item = &'a Server>) -> String {
        let mut labels = Labels::default();
        labels.push("directory", &place.to_string_lossy());
        let mut states: BTreeMap<&str, u32> = BTreeMap::new();
        for server in servers {
            *states.entry(server.word()).or_default() += 1;
        }
        let up = u64::from(self.pid.is_some());
        let answers = u64::from(self.condition == Condition::Answers);
        let mut text = String::new();
        for (name, kind, help, value) in [
            ("up", "gauge", "Whether the MPS control daemon runs.", up),
            ("answers", "gauge", "Whether the daemon answered when last asked.", answers),
            ("starts_total", "counter", "Daemons this supervisor has started.", self.starts),
            (
                "deaths_total",
                "counter",
                "Daemons that have died without being told to.",
                self.deaths,
            ),
            ("orphans_total", "counter", "Servers without a daemon that were ended.", self.orphans),
        ] {
            let _ =
                writeln!(text, "# HELP cuota_mps_{name} {help}\n# TYPE cuota_mps_{name} {kind}");
            let _ = writeln!(text, "cuota_mps_{name}{{{}}} {value}", labels.text());
        }
        if !states.is_empty() {
            let name = "cuota_mps_server_state";
            let help = "Servers in this state, as the daemon calls it.";
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            for (state, count) in states {
                let mut labels = labels.clone();
                labels.push("state", state);
                let _ = writeln!(text, "{name}{{{}}} {count}", labels.text());
            }
        }
        text
    }

    /// For `status`, with who says so.
    pub fn json(&self) -> Value {
        let us = i32::try_from(std::process::id()).unwrap_or_default();
        json!({
            "pid": us,
            "started": Processes::here().started(us),
            "starts": self.starts,
            "deaths": self.deaths,
            "orphans": self.orphans,
        })
    }
}

/// Where they are kept for `status`.
pub fn file(place: &Path) -> PathBuf {
    place.join("cuota.supervisor")
}

/// What the supervisor of a directory says, if there is one that lives.
pub fn of(place: &Path) -> Option<Value> {
    let said: Value = serde_json::from_str(&fs::read_to_string(file(place)).ok()?).ok()?;
    let pid = said.get("pid")?.as_i64()?.try_into().ok()?;
    let started = Processes::here().started(pid)?;
    (said.get("started")?.as_u64()? == started).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_use_what_there_is() {
        let server = Server { pid: 7, state: Some("FAULT".into()) };
        let text = Facts::default().metrics(Path::new("/nowhere"), [server].iter());
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let there: Vec<&str> = families.filter_map(|family| family.split(' ').next()).collect();
        let rules = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rules = rules.join("../examples/deploy/prometheus/cuota.rules.yml");
        let rules = fs::read_to_string(rules).expect("rules");
        let words = rules.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let used: Vec<&str> = words.filter(|word| word.starts_with("cuota_mps_")).collect();
        assert!(used.len() > 3, "{used:?}");
        for name in used {
            assert!(there.contains(&name), "{name} is none of {there:?}");
        }
    }
}
