//! What `cuota doctor` reports, and what is expected of a check.

use std::path::PathBuf;

use serde_json::Value;

use super::{cuota, ended, simulated};

/// The checks of a run with this environment, and its exit status.
pub fn report(set: &[(&str, &str)]) -> (Option<i32>, Value) {
    report_of(&[], &simulated(""), set)
}

pub fn report_of(
    arguments: &[&str],
    driver: &PathBuf,
    set: &[(&str, &str)],
) -> (Option<i32>, Value) {
    let mut command = cuota(["doctor", "--json"].iter().chain(arguments));
    command.env("CUOTA_DRIVER", driver).envs(set.iter().copied());
    let (status, out, err) = ended(&mut command);
    let report = serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{err}"));
    (status, report)
}

fn find<'a>(report: &'a Value, id: &str) -> Option<&'a Value> {
    report["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id)
}

#[track_caller]
pub fn check<'a>(report: &'a Value, id: &str) -> &'a Value {
    find(report, id).unwrap_or_else(|| panic!("no {id}: {report:#}"))
}

/// A check says nothing where there is nothing to look at.
#[track_caller]
pub fn is_absent(report: &Value, id: &str) {
    assert_eq!(find(report, id), None);
}

#[track_caller]
pub fn is(report: &Value, id: &str, severity: &str, words: &str) {
    let check = check(report, id);
    assert_eq!(check["severity"], severity, "{check}");
    assert!(check["found"].as_str().expect("text").contains(words), "{check}");
    let worse = ["warn", "error"].contains(&severity);
    assert_eq!(
        check["do"].is_string(),
        worse,
        "what to do is said where something is wrong: {check}"
    );
}
