//! What the process was told of cuota and of MPS.
#![forbid(unsafe_code)]

use cuota_core::config::Config;

use super::{MAY_NOT, Seen};
use crate::doctor::check::{Check, Severity};

const WHY: &str = "a process has the settings it was started with, whatever was changed since";
const SHOWN: [&str; 4] = ["CUOTA_", "CUDA_MPS_", "CUDA_VISIBLE_DEVICES", "LD_PRELOAD"];

pub fn check(seen: &Seen) -> Check {
    let Ok(environment) = &seen.environment else {
        return Check::not_looked_at("settings", WHY, MAY_NOT);
    };
    let shown = environment.iter().filter(|(name, _)| {
        name.to_str().is_some_and(|name| SHOWN.iter().any(|start| name.starts_with(start)))
    });
    let mut shown: Vec<String> =
        shown.map(|(name, value)| format!("{}={}", name.display(), value.display())).collect();
    shown.sort();
    let (config, complaints) = Config::parse(&|name| seen.variable(name).cloned());
    let check = |found| Check::ok("settings", WHY, found);
    if !complaints.is_empty() {
        let found: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        return check(found.join("; "))
            .worse(Severity::Warn, "Correct the variable, and start the program again.");
    }
    if config.disable {
        let found = "CUOTA_DISABLE=1: every call passes straight through".to_owned();
        let advice = "Start the program again without it, if it is to be held to a quota.";
        return check(found).worse(Severity::Warn, advice);
    }
    if shown.is_empty() {
        return check("started with no variable of cuota's or MPS's".to_owned());
    }
    check(format!("started with {}", shown.join(" ")))
}
