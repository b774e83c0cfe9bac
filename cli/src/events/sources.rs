//! The ledgers whose rings are read, as they come and go.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cuota_core::book::{self, Trouble, What};

use super::batch::Batch;
use super::source::Source;
use crate::command::Failure;
use crate::places::Places;
use crate::screen;

pub struct Sources {
    dir: Option<PathBuf>,
    client: Option<String>,
    follow: bool,
    open: BTreeMap<PathBuf, Source>,
    /// What could not be read, and was complained of.
    refused: BTreeSet<PathBuf>,
    found: usize,
}

impl Sources {
    pub fn new(dir: Option<PathBuf>, client: Option<&str>, follow: bool) -> Sources {
        let (open, refused) = (BTreeMap::new(), BTreeSet::new());
        Sources { dir, client: client.map(str::to_owned), follow, open, refused, found: 0 }
    }

    pub fn refused(&self) -> bool {
        !self.refused.is_empty()
    }

    pub fn found_nothing(&self) -> bool {
        self.found == 0 && self.refused.is_empty()
    }

    /// The first look. It fails if a directory that somebody named cannot be listed.
    pub fn look(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        let places = Places::of(self.dir.as_deref())?;
        for directory in &places.directories {
            if let Err(why) = std::fs::read_dir(directory) {
                let why = Trouble::new(directory, What::Directory(why));
                if places.named {
                    return Err(Failure::ours(why.to_string()));
                }
                self.refuse(directory, &why);
            }
        }
        self.open_new(batch.of_each(), batch);
        Ok(())
    }

    /// A later look: everything of ledgers that are new, what has come since in the others. The last
    /// one waits for nothing that is still being written.
    pub fn look_again(&mut self, last: bool, batch: &mut Batch) {
        let mut gone = Vec::new();
        for (file, source) in &mut self.open {
            // Asked first: what is removed after that is heard of by the next look.
            let there = source.is_there();
            let told = source.tell(last || !there, batch);
            if let Err(why) = &told {
                screen::complain(&why.to_string());
            }
            if !there || told.is_err() {
                gone.push(file.clone());
            }
        }
        for file in gone {
            self.open.remove(&file);
        }
        self.refused.retain(|file| file.symlink_metadata().is_ok());
        self.open_new(u64::MAX, batch);
    }

    fn open_new(&mut self, earlier: u64, batch: &mut Batch) {
        for file in self.files() {
            if self.open.contains_key(&file) {
                continue;
            }
            let told = Source::open(&file, earlier).and_then(|mut source| {
                source.tell(!self.follow, batch)?;
                Ok(source)
            });
            match told {
                Ok(source) => {
                    self.found += 1;
                    self.refused.remove(&file);
                    // Who does not come back to them needs no thousand files open.
                    if self.follow {
                        self.open.insert(file, source);
                    }
                }
                // Removed or replaced since it was listed.
                Err(Trouble { what: What::Moved, .. }) => {}
                Err(Trouble { what: What::File(why), .. }) if why.kind() == ErrorKind::NotFound => {
                }
                Err(why) => self.refuse(&file, &why),
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let wanted = |file: &PathBuf| match &self.client {
            Some(client) => book::client_of(file) == Some(client),
            None => true,
        };
        // Asked anew each time: one of the usual places may be made after us.
        let places = Places::of(self.dir.as_deref()).map(|places| places.directories);
        let lists = places.unwrap_or_default().into_iter().map(|it| book::list(&it));
        lists.flat_map(Result::unwrap_or_default).filter(wanted).collect()
    }

    fn refuse(&mut self, file: &Path, why: &Trouble) {
        if self.refused.insert(file.to_owned()) {
            screen::complain(&why.to_string());
        }
    }
}
