//! This machine as a place for cuota: its settings, the library, the driver, and the one before the
//! other.
#![forbid(unsafe_code)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use cuota_core::config::Config;

use super::check::{Check, Severity};
use super::coverage::Coverage;
use super::probe::{self, Answers, Ended};
use crate::command::Failure;
use crate::native::cuota::{self, Cuota};
use crate::{exports, library};

pub struct Place {
    pub checks: Vec<Check>,
    /// The library, if it can be used at all.
    pub library: Option<PathBuf>,
    pub coverage: Option<Coverage>,
}

pub fn look() -> Result<Place, Failure> {
    let mut checks = vec![settings()];
    let (path, ours) = match find_library() {
        Ok(found) => found,
        Err(check) => {
            checks.push(*check);
            for (id, why) in [("preload", PRELOAD), ("driver", DRIVER), ("coverage", COVERAGE)] {
                checks.push(not_looked_at(id, why, "needs the library"));
            }
            return Ok(Place { checks, library: None, coverage: None });
        }
    };
    checks.push(library_check(&path, &ours));
    let answers = probe::ask(child(&path)?)?;
    checks.push(preload(&path, &answers));
    checks.push(driver(&answers));
    checks.push(init(&answers));
    let coverage = match &answers.driver {
        None => Err("needs a driver".to_owned()),
        Some(driver) => exports::of(driver)
            .map(|names| Coverage::of(&ours.entry_points, &names))
            .map_err(|why| format!("the driver's names cannot be read: {why}")),
    };
    match &coverage {
        Ok(coverage) => checks.extend(coverage.checks()),
        Err(why) => checks.push(not_looked_at("coverage", COVERAGE, why)),
    }
    Ok(Place { checks, library: Some(path), coverage: coverage.ok() })
}

const COVERAGE: &str = "a driver newer than cuota may have functions that pass it by";

fn not_looked_at(id: &'static str, why: &'static str, found: &str) -> Check {
    Check::ok(id, why, format!("not looked at: {found}")).worse(Severity::Unknown, "")
}

/// What the environment says, as the library would read it.
fn settings() -> Check {
    let why = "a setting that is not what was meant changes what cuota does, silently";
    let (config, complaints) = Config::parse(&|name| env::var_os(name));
    let found = complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if !found.is_empty() {
        return Check::ok("settings", why, found).worse(Severity::Warn, "Correct or unset the variable.");
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
    match cuota::ask(&path) {
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
    let advice = format!("Install both from one build: this command is {}.", env!("CARGO_PKG_VERSION"));
    check.worse(Severity::Warn, advice)
}

/// This program once more, as `cuota run` would start it.
fn child(library: &Path) -> Result<Command, Failure> {
    let us = env::current_exe().map_err(|why| Failure::ours(format!("cannot find myself: {why}")))?;
    let list = library::appended(env::var_os("LD_PRELOAD").as_deref(), library)?;
    let mut command = Command::new(us);
    command.arg("probe").env("LD_PRELOAD", list);
    Ok(command)
}

const PRELOAD: &str = "only where the library is loaded first does it see the driver's calls";

fn preload(library: &Path, answers: &Answers) -> Check {
    let said = match &answers.ended {
        Ended::Badly(said) => format!(" ({said})"),
        _ => String::new(),
    };
    let Some(loaded) = &answers.preloaded else {
        let found = format!("a child with the library in LD_PRELOAD started without it{said}");
        return Check::ok("preload", PRELOAD, found).worse(
            Severity::Error,
            "The loader says why on standard error: run `cuota run -- true`. Is the library readable here, and for this machine?",
        );
    };
    if !library::is_same(loaded, library) {
        let found = format!("a child loaded another build: {}", loaded.display());
        return Check::ok("preload", PRELOAD, found).worse(Severity::Warn, "Remove it from LD_PRELOAD or /etc/ld.so.preload.");
    }
    match &answers.in_front {
        Some(_) => Check::ok("preload", PRELOAD, "effective: a child gets the driver's functions from cuota".into()),
        None if answers.driver.is_none() => {
            Check::ok("preload", PRELOAD, "effective: the library is loaded in a child".into())
        }
        None => Check::ok(
            "preload",
            PRELOAD,
            "a child has the library, and gets the driver's functions from elsewhere".into(),
        )
        .worse(Severity::Error, "Another library in LD_PRELOAD stands before both: remove it, or put it after cuota."),
    }
}

const DRIVER: &str = "without it there is no CUDA here, with cuota or without";

fn driver(answers: &Answers) -> Check {
    if let Some(path) = &answers.driver {
        let file = path.canonicalize().unwrap_or_else(|_| path.clone());
        let version = answers.version.map_or("an unknown version".into(), |version| {
            format!("CUDA {}.{}", version / 1000, version % 1000 / 10)
        });
        return Check::ok("driver", DRIVER, format!("{}, {version}", file.display()));
    }
    let why = match (&answers.absent, &answers.ended) {
        (Some(why), _) => why.clone(),
        (None, Ended::Badly(said)) => format!("the child that looked for it ended with {said}"),
        (None, Ended::Late) => "loading it did not end within a minute".into(),
        (None, Ended::Well) => "none was loaded".into(),
    };
    let told = env::var_os("CUOTA_DRIVER").filter(|told| !told.is_empty());
    let (looked, advice) = match told {
        Some(told) => (
            format!("only at {}, as CUOTA_DRIVER says", told.display()),
            "Correct CUOTA_DRIVER, or unset it to have the driver searched for.",
        ),
        None => (
            "in LD_LIBRARY_PATH, the loader's cache and the usual directories".into(),
            "Install the NVIDIA driver's user libraries; in a container, start it with the NVIDIA runtime (`--gpus`, capability `compute`). If the driver is elsewhere, set CUOTA_DRIVER to its path.",
        ),
    };
    let found = format!("no CUDA driver: {why}. Looked {looked}");
    Check::ok("driver", DRIVER, found).worse(Severity::Error, advice)
}

fn init(answers: &Answers) -> Check {
    let why = "a program that gets an error here cannot use the GPU";
    let check = |found: String| Check::ok("cuinit", why, found);
    match &answers.init {
        Some((0, _)) => check("cuInit succeeds".into()),
        Some((status, name)) => check(format!("cuInit answers {status} {name}").trim_end().to_owned()).worse(
            Severity::Error,
            "See whether there is a GPU, and whether this user may open /dev/nvidia*. `nvidia-smi` asks the same driver without cuota.",
        ),
        None if answers.driver.is_none() => not_looked_at("cuinit", why, "needs a driver"),
        None => {
            let found = match &answers.ended {
                Ended::Late => "cuInit did not answer within a minute".into(),
                Ended::Badly(said) => format!("the child that called cuInit ended with {said}"),
                Ended::Well => "cuInit was not called".into(),
            };
            check(found).worse(
                Severity::Error,
                "See `dmesg` for the GPU's own errors (Xid). Under MPS, a stopped daemon makes cuInit wait.",
            )
        }
    }
}
