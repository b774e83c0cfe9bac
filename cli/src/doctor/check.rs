//! One check: what was looked at, what was found, why it matters and what to do.
#![forbid(unsafe_code)]

use serde_json::{Value, json};

use crate::screen;

/// In order of what they mean for the exit status.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    Ok,
    Info,
    /// Could not be looked at: never taken for "ok".
    Unknown,
    Warn,
    Error,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Ok => "ok",
            Severity::Info => "info",
            Severity::Unknown => "unknown",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }

    pub fn status(self) -> u8 {
        match self {
            Severity::Ok | Severity::Info => 0,
            Severity::Unknown | Severity::Warn => 1,
            Severity::Error => 2,
        }
    }
}

#[derive(Debug)]
pub struct Check {
    pub id: &'static str,
    pub severity: Severity,
    pub found: String,
    pub why: &'static str,
    /// Empty where there is nothing to do.
    pub advice: String,
}

impl Check {
    /// A check that found nothing to complain of.
    pub fn ok(id: &'static str, why: &'static str, found: String) -> Check {
        Check { id, severity: Severity::Ok, found, why, advice: String::new() }
    }

    /// A check that could not be made, and for what reason.
    pub fn not_looked_at(id: &'static str, why: &'static str, reason: &str) -> Check {
        Check::ok(id, why, format!("not looked at: {reason}")).worse(Severity::Unknown, "")
    }

    pub fn worse(self, severity: Severity, advice: impl Into<String>) -> Check {
        Check { severity, advice: advice.into(), ..self }
    }

    /// A line; and where something is wrong, why that matters and what to do. What was found holds
    /// names and paths that others wrote.
    pub fn text(&self) -> String {
        let first = format!("{:<8} {:<12} ", self.severity.name(), self.id);
        let mut text = screen::hanging(&first, &format!("{:22}", ""), &screen::plain(&self.found));
        if self.severity > Severity::Unknown {
            text += &screen::wrapped(&format!("{:22}why: ", ""), self.why);
            if !self.advice.is_empty() {
                text += &screen::wrapped(&format!("{:22}do:  ", ""), &screen::plain(&self.advice));
            }
        }
        text
    }

    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "severity": self.severity.name(),
            "found": self.found,
            "why": self.why,
            "do": if self.advice.is_empty() { Value::Null } else { self.advice.clone().into() },
        })
    }
}

pub fn worst(checks: &[Check]) -> Severity {
    checks.iter().map(|check| check.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_well_is_explained() {
        let check = Check::ok("driver", "because", "found it".into());
        assert_eq!(check.text(), "ok       driver       found it\n");
        let check = check.worse(Severity::Warn, "mend it");
        assert_eq!(
            check.text(),
            "warn     driver       found it\n                      why: because\n                      do:  mend it\n"
        );
        assert_eq!(check.json()["do"], "mend it");
    }

    #[test]
    fn the_worst_decides() {
        let all = |severities: &[Severity]| {
            let checks = severities.iter().map(|s| Check::ok("x", "", "".into()).worse(*s, ""));
            worst(&checks.collect::<Vec<_>>()).status()
        };
        assert_eq!(all(&[]), 0);
        assert_eq!(all(&[Severity::Ok, Severity::Info]), 0);
        assert_eq!(all(&[Severity::Unknown, Severity::Ok]), 1);
        assert_eq!(all(&[Severity::Error, Severity::Warn]), 2);
    }
}
