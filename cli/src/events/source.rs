//! One ledger, whose ring is followed.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::rc::Rc;

use cuota_core::book::{Event, Follower, Heard, Trouble, What};
use cuota_core::shm::clock;

use super::batch::{Batch, Record};
use super::facts::Facts;
use crate::ledgers;

pub struct Source {
    file: PathBuf,
    follower: Follower,
    /// Shared with the records that came while they were true.
    facts: Rc<Facts>,
}

impl Source {
    /// From the newest `earlier` events on.
    pub fn open(file: &Path, earlier: u64) -> Result<Source, Trouble> {
        let follower = Follower::open(file, earlier)?;
        let client = ledgers::read(file)?;
        // Both are of the same file, or what one says explains nothing of the other.
        if !follower.is_at(file) {
            return Err(Trouble::new(file, What::Moved));
        }
        let facts = Rc::new(Facts::new(client.name, client.report));
        Ok(Source { file: file.to_owned(), follower, facts })
    }

    /// Whether its name still leads to it.
    pub fn is_there(&self) -> bool {
        self.follower.is_at(&self.file)
    }

    /// What has come since; with `last`, nothing that is still being written is waited for.
    pub fn tell(&mut self, last: bool, batch: &mut Batch) -> Result<(), Trouble> {
        let heard = self.follower.poll(last);
        let heard = heard.map_err(|why| Trouble::new(&self.file, What::File(why)))?;
        self.learn(&heard);
        let moments: Vec<Option<u64>> = heard.iter().map(|heard| self.moment(heard)).collect();
        let mut next = clock::wall_time();
        // A loss is as old as what comes after it.
        let moments = moments.into_iter().rev().map(|moment| {
            next = moment.unwrap_or(next);
            next
        });
        let moments: Vec<u64> = moments.collect();
        for (heard, moment) in heard.into_iter().zip(moments.into_iter().rev()) {
            batch.add(Record { moment, heard, facts: self.facts.clone() });
        }
        Ok(())
    }

    fn moment(&self, heard: &Heard) -> Option<u64> {
        event(heard).map(|event| self.facts.moment(event.time))
    }

    /// Members and devices that came after the last look at the ledger.
    fn learn(&mut self, heard: &[Heard]) {
        let events = || heard.iter().filter_map(event);
        if events().all(|event| self.facts.explain(event)) {
            return;
        }
        let facts = Rc::make_mut(&mut self.facts);
        let now = ledgers::read(&self.file).ok().map(|client| client.report);
        if let Some(report) = now.filter(|report| report.epoch == facts.epoch) {
            facts.learn(report);
        }
        events().for_each(|event| facts.learn_from(event));
    }
}

fn event(heard: &Heard) -> Option<&Event> {
    match heard {
        Heard::Event { event, .. } => Some(event),
        Heard::Lost(_) => None,
    }
}
