//! A daemon of one's own, in a directory that nobody else has, for as long as it is needed.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use super::launch::{How, bring_up};
use super::{PAUSE, SOON, ask, known_holder, servers};
use crate::command::Failure;
use crate::processes::Processes;

/// Ends with its servers, and theirs.
pub struct Own(PathBuf);

impl Own {
    /// One in a fresh directory in `folder`.
    pub fn start(folder: &Path) -> Result<Own, Failure> {
        let place = folder.join("mps");
        match bring_up(&place, &How::default()) {
            Ok(Some(_)) => Ok(Own(place)),
            Ok(None) => {
                let place = place.display();
                Err(Failure::ours(format!("a daemon that is not ours runs in {place}")))
            }
            Err(why) => {
                // It may be on its way.
                drop(Own(place));
                Err(why)
            }
        }
    }

    pub fn place(&self) -> &Path {
        &self.0
    }

    pub fn servers(&self) -> Vec<i32> {
        let daemon = known_holder(&self.0);
        daemon.map_or_else(Vec::new, |pid| servers::of(&Processes::here(), pid))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if known_holder(&self.0).is_none() {
            return;
        }
        // What it says is for nobody: it may say that it failed and have gone.
        let _ = ask::ask(&self.0, "quit -t 1", SOON);
        let end = Instant::now() + SOON;
        while known_holder(&self.0).is_some() && Instant::now() < end {
            thread::sleep(PAUSE);
        }
    }
}
