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

/// Powers of an odd number, none of them a small multiple of another.
const POWERS: [u64; 7] = [power(1), power(2), power(3), power(4), power(5), power(6), power(7)];

const fn power(exponent: u32) -> u64 {
    0x9e37_79b9_7f4a_7c15_u64.wrapping_pow(exponent)
}

/// The words and the number as one: a sum, so that none waits for another. One that differs always
/// shows; several that cancel each other out do so by one chance in 2^64.
#[inline(always)]
fn mix<R: Rules>(number: u64, words: &[u64; 6]) -> u64 {
    let [first, others @ ..] = POWERS;
    let fold = |word: u64, power: u64| {
        let product = word.wrapping_mul(power);
        product ^ product >> 32
    };
    let number = if R::NUMBERED { number.wrapping_add(1) } else { 1 };
    let folded = words.iter().zip(others).map(|(word, power)| fold(*word, power));
    folded.fold(fold(number, first), u64::wrapping_add)
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
