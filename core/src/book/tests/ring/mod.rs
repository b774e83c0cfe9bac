//! The ring under writers that stop in the midst of a record, are lapped, and die: whatever a reader is
//! given was written, comes once and in its writer's order, and what it is not given is counted.
#![forbid(unsafe_code)]

mod dealt;
mod killed;

use std::collections::HashMap;
use std::path::Path;

use super::super::record::Rules;
use super::super::ring::{Follower, Heard};
use super::super::{DEVICES, Event, Kind};

/// What a writer's event of that count says in the record of that number: every word follows from them.
fn event(writer: u64, count: u64, number: u64) -> Event {
    let kind = Kind::ALL[((writer + count) % Kind::ALL.len() as u64) as usize];
    let device = Some((count % (DEVICES as u64 + 1)) as usize).filter(|index| *index < DEVICES);
    let payload = [writer.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ count, number, !(number ^ count)];
    Event { time: count, member: writer, kind, device, payload }
}

/// A reader that believes nothing it can check.
struct Reader<R> {
    follower: Follower<R>,
    /// The number of the next event, by what was given and said to be lost so far.
    next: u64,
    delivered: u64,
    lost: u64,
    last: HashMap<u64, u64>,
}

impl<R: Rules> Reader<R> {
    /// Of a ledger in which nothing happened yet.
    fn new(ledger: &Path) -> Reader<R> {
        let follower = Follower::by_rules(ledger, 0).expect("it can be followed");
        Reader { follower, next: 0, delivered: 0, lost: 0, last: HashMap::new() }
    }

    /// Whether anything was heard, or what is wrong with it.
    fn look(&mut self, last: bool) -> Result<bool, String> {
        let heard = self.follower.poll(last).expect("readable");
        for heard in &heard {
            match *heard {
                Heard::Lost(count) => {
                    self.lost += count;
                    self.next += count;
                }
                Heard::Event { number, event: found } => {
                    if number != self.next {
                        return Err(format!("{number} comes where {} should", self.next));
                    }
                    let (writer, count) = (found.member, found.time);
                    if found != event(writer, count, number) {
                        return Err(format!("{number} was never written: {found:?}"));
                    }
                    let before = self.last.insert(writer, count);
                    if before.is_some_and(|before| before >= count) {
                        return Err(format!("{writer}'s {count} comes after {before:?}"));
                    }
                    self.delivered += 1;
                    self.next += 1;
                }
            }
        }
        Ok(!heard.is_empty())
    }

    /// To the end, now that nobody writes any more.
    fn finish(&mut self, written: u64) -> Result<(), String> {
        while self.look(true)? {}
        match self.delivered + self.lost {
            sum if sum == written => Ok(()),
            sum => Err(format!("{sum} of {written}: {} delivered", self.delivered)),
        }
    }
}

/// Always the same chances from the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % end
    }
}
