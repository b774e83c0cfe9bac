//! What was observed of one drill, and what of it is not as promised.
#![forbid(unsafe_code)]

use cuota_core::book::{Fault, Verdict};
use serde_json::{Value, json};

use super::machine::Machine;
use super::process::{Process, Told};
use crate::screen::{hanging, wrapped};

/// One process of the drill.
pub struct Seen {
    pub name: String,
    pub pid: u32,
    /// What the driver last answered to it; nothing where it was not asked or gave no answer.
    pub told: Option<u32>,
    /// The status it has left with, if it has.
    pub left: Option<i32>,
    pub fault: Option<Fault>,
}

impl Seen {
    pub fn of(machine: &Machine, process: &mut Process, told: Told) -> Seen {
        let told = match told {
            Told::Status(status) => Some(status),
            Told::Nothing => {
                process.leaves();
                None
            }
        };
        Seen {
            name: process.name.clone(),
            pid: process.pid(),
            told,
            left: process.left(),
            fault: machine.fault_of(process),
        }
    }

    /// Who it says it was.
    fn ledger(&self) -> String {
        let Some(fault) = &self.fault else { return "-".into() };
        match &fault.culprit {
            Some((client, _)) => format!("{}, {} of {client}", fault.status, fault.verdict.name()),
            None => format!("{}, {}", fault.status, fault.verdict.name()),
        }
    }

    /// Nothing has happened to it.
    pub fn is_untouched(&self) -> bool {
        self.told == Some(0) && self.left.is_none() && self.fault.is_none()
    }

    /// It names the culprit, or nobody.
    pub fn names_rightly(&self, culprit: &Seen) -> bool {
        let Some(fault) = &self.fault else { return false };
        let named = fault.culprit.as_ref().map(|(client, pid)| (client.as_str(), *pid));
        match fault.verdict {
            Verdict::Unknown => true,
            Verdict::Own => self.pid == culprit.pid,
            Verdict::Other => named == Some((culprit.name.as_str(), u64::from(culprit.pid))),
            Verdict::Nobody => false,
        }
    }
}

/// What new clients hear.
pub struct New {
    /// While all of the others were there.
    pub at_once: u32,
    /// How many of the others had ended when one could start, if one could at all.
    pub after: Option<usize>,
}

pub struct Radius {
    pub drill: &'static str,
    pub seen: Vec<Seen>,
    pub new: New,
    pub differs: Vec<String>,
}

impl Radius {
    pub fn new(drill: &'static str, seen: Vec<Seen>, new: New) -> Radius {
        Radius { drill, seen, new, differs: Vec::new() }
    }

    /// Every one of `seen` that is not so differs.
    pub fn expect(&mut self, of: &str, so: impl Fn(&Seen) -> bool, promise: &str) {
        let these = self.seen.iter().filter(|seen| seen.name.starts_with(of) && !so(seen));
        let lines = these.map(|seen| {
            let told = seen.told.map_or("nothing".into(), |status| status.to_string());
            let left = seen.left.map_or("lives".into(), |status| format!("ended with {status}"));
            format!(
                "{} {promise}; it was told {told}, {left}, ledger: {}",
                seen.name,
                seen.ledger()
            )
        });
        let lines: Vec<String> = lines.collect();
        self.differs.extend(lines);
    }

    pub fn expect_new(&mut self, at_once: u32, after: Option<usize>) {
        let New { at_once: heard, after: came } = self.new;
        if heard != at_once {
            self.differs.push(format!(
                "a new client should have heard {at_once} at first, and heard {heard}"
            ));
        }
        if came != after {
            let should = in_words(after);
            self.differs.push(format!(
                "a new client should have been taken {should}, and was {}",
                in_words(came)
            ));
        }
    }

    pub fn text(&self) -> String {
        let width = self.seen.iter().map(|seen| seen.name.len()).max().unwrap_or(0).max(7);
        let mut out =
            format!("{}\n  {:width$}  TOLD  LIVES          LEDGER\n", self.drill, "CLIENT");
        for seen in &self.seen {
            let told = seen.told.map_or("-".into(), |status| status.to_string());
            let lives = seen.left.map_or("yes".into(), |status| format!("ended with {status}"));
            let line = format!("  {:width$}  {told:>4}  {lives:<13}  {}", seen.name, seen.ledger());
            out += &(line.trim_end().to_owned() + "\n");
        }
        let New { at_once, after } = self.new;
        let heard = if at_once == 0 { String::new() } else { format!("hears {at_once}, and ") };
        out += &wrapped("  ", &format!("a new client {heard}is taken {}", in_words(after)));
        for line in &self.differs {
            out += &hanging("  NOT AS PROMISED: ", "    ", line);
        }
        out + "\n"
    }

    pub fn json(&self) -> Value {
        let seen = |seen: &Seen| {
            let fault = seen.fault.as_ref().map(|fault| {
                let culprit = fault.culprit.as_ref();
                json!({
                    "status": fault.status,
                    "verdict": fault.verdict.name(),
                    "culprit": culprit.map(|(client, pid)| json!({ "client": client, "pid": pid })),
                })
            });
            json!({ "client": seen.name, "pid": seen.pid, "told": seen.told, "ended": seen.left, "ledger": fault })
        };
        json!({
            "drill": self.drill,
            "processes": self.seen.iter().map(seen).collect::<Vec<_>>(),
            "new": { "told": self.new.at_once, "after": self.new.after },
            "differs": self.differs,
        })
    }
}

fn in_words(after: Option<usize>) -> String {
    match after {
        None => "never".into(),
        Some(0) => "at once".into(),
        Some(ended) => format!("after {ended} had ended"),
    }
}
