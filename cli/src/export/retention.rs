//! Ledgers that nobody is in any more are removed as by `cuota gc`, after a while.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::gc;
use crate::places::Places;
use crate::screen;
use crate::times;

/// How often it is looked for any.
pub const ROUND: Duration = Duration::from_secs(60);

/// A duration, or none.
pub fn parse(text: &str) -> Result<Retention, String> {
    let older = if text == "none" { None } else { Some(times::duration(text)?) };
    Ok(Retention { older, ..Retention::default() })
}

#[derive(Clone, Debug, Default)]
pub struct Retention {
    older: Option<Duration>,
    last: Option<Instant>,
    /// What could not be removed is said once.
    said: HashSet<String>,
}

impl Retention {
    /// Removes what is to go, if the last look was a round ago.
    pub fn keep(&mut self, dir: &Option<PathBuf>) {
        let Some(older) = self.older else { return };
        if self.last.is_some_and(|last| last.elapsed() < ROUND) {
            return;
        }
        self.last = Some(Instant::now());
        let done = Places::of(dir.as_deref()).and_then(|places| gc::collect(&places, older, false));
        let failed = match done {
            // What cannot be read a scrape says.
            Ok(done) => done.failed,
            Err(failure) => vec![failure.text],
        };
        for why in failed {
            if self.said.insert(why.clone()) {
                screen::complain(&why);
            }
        }
    }
}
