//! This machine as a place for cuota: its settings, the library, the driver, and the one before the
//! other.
#![forbid(unsafe_code)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuota_core::config::Config;

use super::answers::{self, DRIVER, PRELOAD};
use super::ask::{self, Answers};
use super::check::{Check, Severity};
use super::coverage::Coverage;
use crate::command::Failure;
use crate::native::introspect::{self, Cuota};
use crate::{exports, library};

pub struct Place {
    pub checks: Vec<Check>,
    /// The library, if it can be used at all.
    pub library: Option<PathBuf>,
    /// By a child under it; nothing, where it cannot be used.
    pub told: Answers,
    pub coverage: Option<Coverage>,
}

pub fn look() -> Result<Place, Failure> {
    let mut checks = vec![settings()];
    let (path, ours) = match find_library() {
        Ok(found) => found,
        Err(check) => {
            checks.push(*check);
            for (id, why) in [("preload", PRELOAD), ("driver", DRIVER), ("coverage", COVERAGE)] {
                checks.push(Check::not_looked_at(id, why, "needs the library"));
            }
            return Ok(Place { checks, library: None, told: Answers::default(), coverage: None });
        }
    };
    checks.push(library_check(&path, &ours));
    let told = ask::ask(child(&path)?)?;
    checks.push(answers::preload(&path, &told));
    checks.push(answers::driver(&told));
    checks.push(answers::init(&told));
    let coverage = match &told.driver {
        None => Err("needs a driver".to_owned()),
        Some(driver) => exports::of(driver)
            .map(|names| Coverage::of(&ours.entry_points, &names))
            .map_err(|why| format!("the driver's names cannot be read: {why}")),
    };
    match &coverage {
        Ok(coverage) => checks.extend(coverage.checks()),
        Err(why) => checks.push(Check::not_looked_at("coverage", COVERAGE, why)),
    }
    Ok(Place { checks, library: Some(path), told, coverage: coverage.ok() })
}

const COVERAGE: &str = "a driver newer than cuota may have functions that pass it by";

/// What the environment says, as the library would read it.
fn settings() -> Check {
    let why = "a setting that cannot be read is not in force";
    let (config, complaints) = Config::parse(&|name| env::var_os(name));
    let strict = config.strict && !config.disable;
    let words =
        complaints.iter().map(|it| if strict { it.refusal().to_string() } else { it.to_string() });
    let found = words.collect::<Vec<_>>().join("; ");
    if !found.is_empty() {
        let severity = if strict { Severity::Error } else { Severity::Warn };
        return Check::ok("settings", why, found).worse(severity, "Correct or unset the variable.");
    }
    if config.disable {
        let found = "CUOTA_DISABLE=1: every call passes straight through".to_owned();
        return Check::ok("settings", why, found)
            .worse(Severity::Warn, "Unset CUOTA_DISABLE where cuota is wanted.");
    }
    Check::ok("settings", why, "every CUOTA_ variable set here can be read".into())
}

const LIBRARY: &str = "libcuota.so is what stands before the driver";

fn find_library() -> Result<(PathBuf, Cuota), Box<Check>> {
    let path = library::find().map_err(|failure| {
        // The last line says what to do.
        let (found, advice) = failure.text.rsplit_once('\n').unwrap_or((&failure.text, ""));
        let check = Check::ok("library", LIBRARY, found.replace('\n', " "));
        Box::new(check.worse(Severity::Error, advice))
    })?;
    match introspect::ask(&path) {
        Ok(ours) => Ok((path, ours)),
        Err(why) => {
            let found = format!("{} does not load: {why}", path.display());
            let advice = "Install the library built for this machine and its glibc.";
            Err(Box::new(Check::ok("library", LIBRARY, found).worse(Severity::Error, advice)))
        }
    }
}

fn library_check(path: &Path, ours: &Cuota) -> Check {
    let found = format!("{}, version {}", path.display(), ours.version);
    let check = Check::ok("library", LIBRARY, found);
    if ours.version == env!("CARGO_PKG_VERSION") {
        return check;
    }
    let advice =
        format!("Install both from one build: this command is {}.", env!("CARGO_PKG_VERSION"));
    check.worse(Severity::Warn, advice)
}

/// This program once more, as `cuota run` would start it.
fn child(library: &Path) -> Result<Command, Failure> {
    let us =
        env::current_exe().map_err(|why| Failure::ours(format!("cannot find myself: {why}")))?;
    let list = library::appended(env::var_os("LD_PRELOAD").as_deref(), library)?;
    let mut command = Command::new(us);
    command.arg("probe").env("LD_PRELOAD", list);
    Ok(command)
}
