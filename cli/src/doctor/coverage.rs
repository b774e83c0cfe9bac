//! What stands at each entry point of one driver.
#![forbid(unsafe_code)]

use cuota_core::names::look_like_an_allocator;
use std::collections::{BTreeMap, BTreeSet};

use cuota_core::tally::Kind;
use serde_json::{Value, json};

use super::check::{Check, Severity};
use crate::native::introspect::EntryPoint;
use crate::screen::{count, wrapped};

#[derive(Debug, Default)]
pub struct Coverage {
    /// Hooked, with a body: cuota does something there.
    pub body: Vec<String>,
    /// Hooked, without a body yet.
    pub row: Vec<String>,
    /// Passed on unseen, by reason.
    pub forwarded: BTreeMap<String, Vec<String>>,
    /// The driver has it, we do not.
    pub unknown: Vec<String>,
    /// We have it, the driver does not.
    pub lacking: Vec<String>,
}

const WHY: &str = "a call of a function cuota does not know passes it by, uncounted and unlimited";

impl Coverage {
    /// Holds our entry points against the names a driver exports.
    pub fn of(ours: &[EntryPoint], driver: &BTreeSet<String>) -> Coverage {
        let mut coverage = Coverage::default();
        let ours: BTreeMap<_, _> = ours.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        for (name, entry) in ours.iter().filter(|(name, _)| is_driver_function(name)) {
            let list = match entry.kind {
                _ if !driver.contains(*name) => &mut coverage.lacking,
                Kind::Body => &mut coverage.body,
                Kind::Row => &mut coverage.row,
                Kind::Forwarded => {
                    let reason = entry.reason.clone().unwrap_or_default();
                    coverage.forwarded.entry(reason).or_default()
                }
            };
            list.push((*name).to_owned());
        }
        let theirs = driver.iter().filter(|name| is_driver_function(name));
        coverage.unknown =
            theirs.filter(|name| !ours.contains_key(name.as_str())).cloned().collect();
        coverage
    }

    pub fn checks(&self) -> Vec<Check> {
        let forwarded: usize = self.forwarded.values().map(Vec::len).sum();
        let known = self.body.len() + self.row.len() + forwarded;
        let total = known + self.unknown.len();
        let found = format!(
            "{known} of this driver's {total} functions are covered: {} hooked ({} with a body so far), {forwarded} forwarded",
            self.body.len() + self.row.len(),
            self.body.len(),
        );
        let covered = Check::ok("coverage", WHY, found);
        let covered = if known == 0 {
            covered.worse(
                Severity::Error,
                "This is no CUDA driver, or one no list knows: say which one it is (CUOTA_DRIVER).",
            )
        } else {
            covered
        };
        vec![covered, self.unknown_check(), self.lacking_check()]
    }

    fn unknown_check(&self) -> Check {
        let (takers, others): (Vec<&String>, Vec<&String>) =
            self.unknown.iter().partition(|name| look_like_an_allocator(name));
        let mut found = if self.unknown.is_empty() {
            "none of this driver's functions".to_owned()
        } else {
            format!("{} of this driver:", count(self.unknown.len(), "function"))
        };
        for (names, what) in [(&takers, "which may take device memory"), (&others, "")] {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                found += &format!(" {} {what};", names.join(", "));
            }
        }
        let check = Check::ok("uncovered", WHY, found.trim_end_matches([';', ' ']).to_owned());
        match (takers.is_empty(), self.unknown.is_empty()) {
            (_, true) => check,
            (true, false) => check.worse(Severity::Info, "Update cuota to have them counted."),
            (false, false) => check.worse(
                Severity::Warn,
                "Update cuota. Until then memory taken through these is outside every account.",
            ),
        }
    }

    fn lacking_check(&self) -> Check {
        let found = match self.lacking.len() {
            0 => "this driver has every function cuota knows".to_owned(),
            lacking => {
                format!("this driver lacks {} that cuota knows", count(lacking, "function"))
            }
        };
        let why = "a program gets the same refusal for them as without cuota";
        let check = Check::ok("lacking", why, found);
        if self.lacking.is_empty() { check } else { check.worse(Severity::Info, "") }
    }

    /// The whole list.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut group = |title: String, note: &str, names: &[String]| {
            if !names.is_empty() {
                text += &format!("\n{title}: {}\n", names.len());
                if !note.is_empty() {
                    text += &wrapped("  ", note);
                }
                text += &wrapped("    ", &names.join(" "));
            }
        };
        group(
            "hooked, with a body".into(),
            "Each call passes through code of cuota's.",
            &self.body,
        );
        group(
            "hooked, without a body yet".into(),
            "Known by signature; each call goes straight to the driver.",
            &self.row,
        );
        for (reason, names) in &self.forwarded {
            group("forwarded".into(), reason, names);
        }
        group("unknown".into(), "In this driver, not in cuota.", &self.unknown);
        group("lacking".into(), "In cuota, not in this driver.", &self.lacking);
        text
    }

    pub fn json(&self) -> Value {
        let forwarded = self.forwarded.iter();
        let unknown = self.unknown.iter();
        json!({
            "body": self.body,
            "row": self.row,
            "forwarded": forwarded
                .map(|(reason, names)| json!({ "reason": reason, "names": names }))
                .collect::<Vec<_>>(),
            "unknown": unknown
                .map(|name| json!({ "name": name, "may_allocate": look_like_an_allocator(name) }))
                .collect::<Vec<_>>(),
            "lacking": self.lacking,
        })
    }
}

/// Ours to stand before: not the debugger's names, most of which are data, nor another library's.
fn is_driver_function(name: &str) -> bool {
    name.starts_with("cu") && !name.starts_with("cudbg") && !name.starts_with("cuota_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(driver: &[&str]) -> Coverage {
        let entry = |name: &str, kind| EntryPoint {
            name: name.into(),
            kind,
            reason: (kind == Kind::Forwarded).then(|| "harmless".to_owned()),
        };
        let ours = [
            entry("cuMemAlloc_v2", Kind::Body),
            entry("cuMemCreate", Kind::Row),
            entry("cuDeviceGet", Kind::Forwarded),
            entry("nvmlDeviceGetMemoryInfo", Kind::Row),
        ];
        Coverage::of(&ours, &driver.iter().map(|name| (*name).to_owned()).collect())
    }

    fn severities(coverage: &Coverage) -> Vec<Severity> {
        coverage.checks().iter().map(|check| check.severity).collect()
    }

    #[test]
    fn a_driver_of_known_names_is_covered() {
        let coverage =
            coverage(&["cuMemAlloc_v2", "cuMemCreate", "cuDeviceGet", "cudbgMain", "other"]);
        assert_eq!((coverage.body.len(), coverage.row.len()), (1, 1));
        assert_eq!(coverage.forwarded["harmless"], ["cuDeviceGet"]);
        assert_eq!(severities(&coverage), [Severity::Ok; 3]);
        assert!(!coverage.text().contains("nvml"));
    }

    #[test]
    fn a_name_we_lack_is_told_and_an_allocator_warned_of() {
        let some = coverage(&["cuMemAlloc_v2", "cuNewThing"]);
        assert_eq!((&some.unknown[..], some.lacking.len()), (&["cuNewThing".to_owned()][..], 2));
        assert_eq!(severities(&some), [Severity::Ok, Severity::Info, Severity::Info]);
        let taker = coverage(&["cuMemAlloc_v2", "cuNewThing", "cuMemAllocSomehow"]);
        let [_, unknown, _] = &taker.checks()[..] else { panic!() };
        assert_eq!(unknown.severity, Severity::Warn);
        assert_eq!(
            unknown.found,
            "2 functions of this driver: cuMemAllocSomehow which may take device memory; cuNewThing"
        );
        assert_eq!(taker.json()["unknown"][0]["may_allocate"], true);
    }

    #[test]
    fn something_else_than_a_driver_is_an_error() {
        assert_eq!(severities(&coverage(&["printf"]))[0], Severity::Error);
    }
}
