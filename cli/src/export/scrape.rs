//! All ledgers there are as one text.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cuota_core::book::{self, Trouble, What};

use super::gpus::Gpus;
use super::keep::Keep;
use super::labels::Labels;
use super::metrics::Metric;
use super::samples;
use super::text::{Format, Nanos, Text};
use crate::ledgers;
use crate::places::Places;
use crate::screen;

/// Once the samples are longer than this no other ledger is read: a thousand clients need a third.
const MOST_BYTES: usize = 64 << 20;
/// As many are complained of at one scrape.
const MOST_COMPLAINTS: usize = 10;

pub struct Exporter {
    dir: Option<PathBuf>,
    gpus: Gpus,
    keep: Keep,
    /// Complained of, and still as bad.
    bad: HashSet<PathBuf>,
}

#[derive(Default)]
struct Found {
    read: u64,
    left_out: u64,
    unreadable: Vec<(PathBuf, String)>,
}

impl Exporter {
    pub fn new(dir: Option<PathBuf>) -> Exporter {
        let (gpus, keep) = (Gpus::default(), Keep::default());
        Exporter { dir, gpus, keep, bad: HashSet::new() }
    }

    pub fn scrape(&mut self, format: Format) -> String {
        let began = Instant::now();
        let mut text = Text::new(format);
        let mut found = Found::default();
        self.keep.begin();
        match Places::of(self.dir.as_deref()) {
            Ok(places) => {
                for directory in &places.directories {
                    self.add_all(directory, &mut text, &mut found);
                }
            }
            Err(failure) => found.unreadable.push((PathBuf::new(), failure.text)),
        }
        let none = Labels::default();
        let mut add = |metric, by, value| text.add(metric, &none, by, value, Nanos(0));
        add(Metric::Build, Some(("version", env!("CARGO_PKG_VERSION"))), 1.0);
        for (state, count) in [
            ("read", found.read),
            ("unreadable", found.unreadable.len() as u64),
            ("left_out", found.left_out),
        ] {
            add(Metric::Ledgers, Some(("state", state)), count as f64);
        }
        add(Metric::ScrapeDuration, None, began.elapsed().as_secs_f64());
        self.complain(found.unreadable);
        text.finished()
    }

    fn add_all(&mut self, directory: &Path, text: &mut Text, found: &mut Found) {
        let files = match book::list(directory) {
            Ok(files) => files,
            Err(why) => {
                let why = Trouble::new(directory, What::Directory(why));
                return found.unreadable.push((directory.to_owned(), why.to_string()));
            }
        };
        for file in files {
            if text.bytes() > MOST_BYTES {
                found.left_out += 1;
                continue;
            }
            match ledgers::read(&file) {
                // Two series of the same labels, and Prometheus would take nothing at all.
                Ok(client) if self.keep.has(&client.name) => found.left_out += 1,
                Ok(client) => {
                    samples::add(text, &client, self.keep.of(&client), &mut self.gpus);
                    found.read += 1;
                }
                Err(why) if ledgers::is_gone(&why) => {}
                Err(why) => found.unreadable.push((file, why.to_string())),
            }
        }
    }

    /// Of each once, until it can be read again.
    fn complain(&mut self, unreadable: Vec<(PathBuf, String)>) {
        let news = || unreadable.iter().filter(|(file, _)| !self.bad.contains(file));
        for (_, why) in news().take(MOST_COMPLAINTS) {
            screen::complain(why);
        }
        let more = news().count().saturating_sub(MOST_COMPLAINTS);
        if more > 0 {
            screen::complain(&format!("{} more cannot be read", screen::count(more, "file")));
        }
        self.bad = unreadable.into_iter().map(|(file, _)| file).collect();
    }
}
