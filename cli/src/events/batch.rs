//! The newest of what the rings say, in the order of time.
#![forbid(unsafe_code)]

use std::rc::Rc;

use cuota_core::book::{Heard, Kind};

use super::facts::Facts;

/// Never more are kept at once, whatever the ledgers say.
pub const MOST: usize = 1 << 18;
/// Older ones are thrown out when so many have gathered beside those that are kept.
const SLACK: usize = 4096;

/// What one ring says, and what was known of its client then.
pub struct Record {
    /// Nanoseconds since 1970.
    pub moment: u64,
    pub heard: Heard,
    pub facts: Rc<Facts>,
}

pub struct Wanted {
    pub since: u64,
    /// All if there are none.
    pub kinds: Vec<Kind>,
}

impl Wanted {
    /// What was lost may have been of any kind.
    fn has(&self, record: &Record) -> bool {
        let kind = match record.heard {
            Heard::Event { event, .. } => self.kinds.is_empty() || self.kinds.contains(&event.kind),
            Heard::Lost(_) => true,
        };
        kind && record.moment >= self.since
    }

    pub fn has_all(&self) -> bool {
        self.since == 0 && self.kinds.is_empty()
    }
}

pub struct Batch {
    keep: usize,
    pub wanted: Wanted,
    records: Vec<Record>,
    left_out: usize,
}

impl Batch {
    pub fn new(keep: usize, wanted: Wanted) -> Batch {
        Batch { keep, wanted, records: Vec::new(), left_out: 0 }
    }

    pub fn add(&mut self, record: Record) {
        if self.wanted.has(&record) {
            self.records.push(record);
            if self.records.len() >= self.keep.saturating_add(self.keep.max(SLACK)) {
                self.tidy();
            }
        }
    }

    /// As many of each ring's newest as can matter.
    pub fn of_each(&self) -> u64 {
        if self.wanted.has_all() { self.keep as u64 } else { u64::MAX }
    }

    /// How many are not kept.
    pub fn left_out(&self) -> usize {
        self.left_out + self.records.len().saturating_sub(self.keep)
    }

    /// Those that are kept, oldest first; after them, the newest `keep` of what comes.
    pub fn take(&mut self, keep: usize) -> Vec<Record> {
        self.tidy();
        self.left_out = 0;
        self.keep = keep;
        std::mem::take(&mut self.records)
    }

    fn tidy(&mut self) {
        // What one ring says at the same moment stays in its order.
        self.records.sort_by_key(|record| record.moment);
        let older = self.records.len().saturating_sub(self.keep);
        self.records.drain(..older);
        self.left_out += older;
    }
}

#[cfg(test)]
mod tests {
    use cuota_core::book::Event;

    use super::*;

    fn record(moment: u64, kind: Kind) -> Record {
        let event = Event { time: 0, member: 1, kind, device: None, payload: [0; 3] };
        Record { moment, heard: Heard::Event { number: 0, event }, facts: Rc::default() }
    }

    fn taken(batch: &mut Batch) -> Vec<u64> {
        batch.take(9).iter().map(|record| record.moment).collect()
    }

    #[test]
    fn the_newest_are_kept_however_many_come() {
        let mut batch = Batch::new(3, Wanted { since: 0, kinds: Vec::new() });
        let many = 3 * SLACK as u64;
        (0..many).rev().for_each(|moment| batch.add(record(moment, Kind::Joined)));
        assert!(batch.records.capacity() < 3 * SLACK);
        assert_eq!(batch.left_out(), many as usize - 3);
        assert_eq!(taken(&mut batch), [many - 3, many - 2, many - 1]);
        batch.add(record(2, Kind::Left));
        batch.add(record(1, Kind::Left));
        assert_eq!((batch.left_out(), taken(&mut batch)), (0, vec![1, 2]));
    }

    #[test]
    fn other_kinds_and_older_ones_are_not_wanted_but_losses_are() {
        let mut batch = Batch::new(9, Wanted { since: 5, kinds: vec![Kind::Died] });
        assert_eq!(batch.of_each(), u64::MAX);
        batch.add(record(7, Kind::Joined));
        batch.add(record(4, Kind::Died));
        batch.add(record(6, Kind::Died));
        batch.add(Record { heard: Heard::Lost(3), ..record(8, Kind::Joined) });
        assert_eq!(taken(&mut batch), [6, 8]);
    }
}
