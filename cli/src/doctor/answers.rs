//! The checks of what a child under the preload told: the preload, the driver, `cuInit`.
#![forbid(unsafe_code)]

use std::env;
use std::ops::RangeInclusive;
use std::path::Path;

use super::ask::{Answers, Ended};
use super::check::{Check, Severity};
use crate::library;

pub const PRELOAD: &str = "only where the library is loaded first does it see the driver's calls";

pub fn preload(library: &Path, answers: &Answers) -> Check {
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
        return Check::ok("preload", PRELOAD, found)
            .worse(Severity::Warn, "Remove it from LD_PRELOAD or /etc/ld.so.preload.");
    }
    match &answers.in_front {
        Some(_) => Check::ok(
            "preload",
            PRELOAD,
            "effective: a child gets the driver's functions from cuota".into(),
        ),
        None if answers.driver.is_none() => {
            Check::ok("preload", PRELOAD, "effective: the library is loaded in a child".into())
        }
        None => Check::ok(
            "preload",
            PRELOAD,
            "a child has the library, and gets the driver's functions from elsewhere".into(),
        )
        .worse(
            Severity::Error,
            "Another library in LD_PRELOAD stands before both: remove it, or put it after cuota.",
        ),
    }
}

pub const DRIVER: &str = "a program under cuota finds no CUDA without it";

pub fn driver(answers: &Answers) -> Check {
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

/// Of a connection, the server, or the number of clients.
pub const MPS_REFUSES: RangeInclusive<u32> = 805..=810;

/// What to do about a `cuInit` that does not succeed.
fn refused(status: u32, said: &str) -> &'static str {
    if said.contains("CUOTA_MPS=require") {
        return "It is cuota that refuses, because CUOTA_MPS=require is set: mend what `mps` and `mps-client` say.";
    }
    if said.contains("cuota: error") {
        return "It is cuota that refuses, not the driver, for the reason it gives: see `settings` and `ledgers`.";
    }
    if MPS_REFUSES.contains(&status) {
        return "MPS refuses it: `mps-client` says where to look.";
    }
    "See whether there is a GPU, and whether this user may open /dev/nvidia*. `nvidia-smi` asks the same driver without cuota."
}

pub fn init(answers: &Answers) -> Check {
    let why = "a program that gets an error here cannot use the GPU";
    let check = |found: String| Check::ok("cuinit", why, found);
    match &answers.init {
        Some((0, _)) => check("cuInit succeeds".into()),
        Some((status, name)) => {
            let mut found = format!("cuInit answers {status} {name}").trim_end().to_owned();
            if !answers.said.is_empty() {
                found += &format!(", and printed: {}", answers.said);
            }
            check(found).worse(Severity::Error, refused(*status, &answers.said))
        }
        None if answers.driver.is_none() => Check::not_looked_at("cuinit", why, "needs a driver"),
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
