//! One record of the ring. It carries its number; one that was never finished, that was written over
//! while it was read, or that two writers met in, is not there.
#![forbid(unsafe_code)]

use super::events::Event;
use crate::ledger::Word;

/// The steps that keep a reader from believing what was never written and from losing count. Every
/// constant is one; the tests have a variant without each.
pub trait Rules {
    /// A record is marked before it is written over.
    const MARKS: bool = true;
    /// It is believed only if its state is of its number before it is read,
    const BEFORE: bool = true;
    /// and still is after that,
    const AFTER: bool = true;
    /// and if its words add up,
    const CHECKS: bool = true;
    /// together with its number.
    const NUMBERED: bool = true;
    /// Lost is what writers wrote over before a reader came to it,
    const COUNTS_OVERTAKEN: bool = true;
    /// or while it came,
    const COUNTS_GONE: bool = true;
    /// and what was never finished.
    const COUNTS_UNFINISHED: bool = true;
}

#[derive(Clone, Copy, Debug)]
pub struct Exact;

impl Rules for Exact {}

/// The number and the words as one. The number takes a step of its own: merely the first word's start,
/// it would let another number pass whose writer's time differs in the same bits.
#[inline(always)]
fn mix<R: Rules>(number: u64, words: &[u64; 6]) -> u64 {
    let step =
        |mixed: u64, word: u64| (mixed ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let number = if R::NUMBERED { number.wrapping_add(1) } else { 0 };
    words.iter().fold(step(0, number), |mixed, word| step(mixed, *word))
}

/// A record's state once it is whole.
pub(super) fn finished(number: u64) -> u64 {
    number.wrapping_mul(2).wrapping_add(2)
}

/// Writes the event of that number.
#[inline(always)]
pub(crate) fn write_record<R: Rules, A: Word>(record: &[A], number: u64, new: &Event) {
    let [state, words @ .., check] = record else { return };
    if R::MARKS {
        state.put(finished(number).wrapping_sub(1));
        // SYNC POINT: whoever sees a word of the record sees that it was being written; the other end
        // is in `read_record`.
        A::seal();
    }
    let values = new.words();
    for (word, value) in words.iter().zip(values) {
        word.put(value);
    }
    check.put(mix::<R>(number, &values));
    state.store(finished(number));
}

/// The event of that number, if its record is whole and still its own. Of two writers that met in it,
/// one a lap ahead, the state shows only the last: hence the check.
pub(crate) fn read_record<R: Rules, A: Word>(record: &[A], number: u64) -> Option<Event> {
    let [state, words @ .., check] = record else { return None };
    let before = !R::BEFORE || state.load() == finished(number);
    let mut values = [0; 6];
    for (value, word) in values.iter_mut().zip(words) {
        *value = word.peek();
    }
    let check = !R::CHECKS || check.peek() == mix::<R>(number, &values);
    // SYNC POINT: the other end is in `write_record`.
    A::settle();
    let after = !R::AFTER || state.peek() == finished(number);
    (before && check && after).then(|| Event::from_words(values))?
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::book::{Kind, layout::event};

    #[test]
    fn another_number_is_not_believed_with_a_time_to_match() {
        let record = [const { AtomicU64::new(0) }; event::WORDS];
        let new =
            Event { time: 46, member: 1, kind: Kind::Joined, device: None, payload: [7, 8, 9] };
        write_record::<Exact, _>(&record, 7, &new);
        assert_eq!(read_record::<Exact, _>(&record, 7), Some(new));
        record[event::STATE].put(finished(15));
        record[event::TIME].put(46 ^ 8 ^ 16);
        assert_eq!(read_record::<Exact, _>(&record, 15), None);
    }
}
