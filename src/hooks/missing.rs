//! There is no driver to forward to, and somebody calls it: said once.
//!
//! Only of a call. A program that opens the driver to see whether there is one has the loader's own words.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, Ordering};

use crate::driver::load::Outcome;
use crate::driver::{find, process};
use crate::{client, log};

/// Says what became of looking for the driver, if there is none. What to do comes first: the list of places
/// may be longer than a line.
#[cold]
pub fn say(outcome: &Outcome) {
    static SAID: AtomicBool = AtomicBool::new(false);
    let broken = match outcome {
        Outcome::Loaded => return,
        // That has been said of it.
        Outcome::Broken(_) if find::told().is_some() => return,
        Outcome::Broken(path) => Some(path.path()),
        Outcome::Absent => None,
    };
    if SAID.swap(true, Ordering::Relaxed) {
        return;
    }
    let _here = process::NotCancelled::new();
    client::init();
    let what = match &broken {
        Some(path) => format!("{:?} cannot be loaded as the CUDA driver", path.as_c()),
        None => "no libcuda.so.1 was found".to_owned(),
    };
    log::warn(
        log::Topic::Driver,
        format_args!(
            "{what}, so calls of the driver answer 100 (no device): name the real libcuda.so.1 with CUOTA_DRIVER, by its path as this process sees it, or, in a program that calls chroot, call cuInit before; looked in {}",
            places()
        ),
    );
}

fn places() -> String {
    let first = process::first_library_path();
    let first = if first.is_empty() { "none".into() } else { String::from_utf8_lossy(&first) };
    let fixed: Vec<_> = find::DIRECTORIES.iter().map(|place| place.to_string_lossy()).collect();
    format!(
        "{}, the run paths of program and caller, the loader's cache, LD_LIBRARY_PATH of the start ({first})",
        fixed.join(" ")
    )
}
