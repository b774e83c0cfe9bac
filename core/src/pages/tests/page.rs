//! One page against what is free unit by unit.
#![forbid(unsafe_code)]

use super::driver::chance;
use crate::pages::marks::{NO_SHORT, UNITS};
use crate::pages::page::{Near, Page};
use crate::pages::rules::Exact;

/// What is live, and what was taken out, by where it begins and ends; of that, what the driver has freed
/// and may have given to others, which is not room before it has been said.
#[derive(Default)]
struct Books {
    live: Vec<(usize, usize)>,
    leaving: Vec<(usize, usize, bool)>,
}

impl Books {
    /// The longest run in which nothing lies. Of those that are leaving, one whose place is another's by now
    /// is no longer there, unless it is in the same place: of the two it cannot be told which is said to
    /// be free first.
    fn longest(&self, overtaken: &[(usize, usize)]) -> usize {
        let left = self.leaving.iter().map(|(unit, end, _)| (*unit, *end));
        let mut left: Vec<_> = left.collect();
        for gone in overtaken {
            if let Some(at) = left.iter().position(|there| there == gone) {
                left.swap_remove(at);
            }
        }
        let mut taken = [false; UNITS + 1];
        taken[UNITS] = true;
        for (unit, end) in self.live.iter().copied().chain(left) {
            taken[unit..end].fill(true);
        }
        taken.split(|taken| *taken).map(<[bool]>::len).max().unwrap_or(0)
    }
}

fn against_bits(seed: u64) {
    let (mut near, mut short) = (Near::default(), NO_SHORT);
    let mut page = Page::new(&mut near, &mut short);
    let (mut books, mut overtaken, mut next) = (Books::default(), Vec::new(), chance(seed));
    page.begin(1, 0);
    // It is never empty, or nothing would be kept of it.
    page.place::<Exact>(UNITS - 1, 1);
    books.live.push((UNITS - 1, UNITS));
    for _ in 0..2000 {
        let units = [1, 2, 63, 64, 65, 500, 2048][next(7) as usize];
        let unit = next(UNITS as u64 - 1) as usize;
        let end = (unit + units).min(UNITS - 1);
        let meets = |(from, to): &(usize, usize)| *from < end && *to > unit;
        let freed = |(from, to, freed): &(usize, usize, bool)| *freed || !meets(&(*from, *to));
        if next(2) == 0 && !books.live.iter().any(meets) && books.leaving.iter().all(freed) {
            let gone = books.leaving.iter().filter(|(from, to, _)| meets(&(*from, *to)));
            let again = |it: &(usize, usize)| overtaken.iter().filter(|gone| *gone == it).count();
            let mut new: Vec<(usize, usize)> = Vec::new();
            for it in gone.map(|(from, to, _)| (*from, *to)) {
                let all = books.leaving.iter().filter(|(from, to, _)| (*from, *to) == it).count();
                if again(&it) + new.iter().filter(|gone| **gone == it).count() < all {
                    new.push(it);
                }
            }
            overtaken.extend(new);
            page.place::<Exact>(unit, end - unit);
            books.live.push((unit, end));
        } else if next(2) == 0 && books.live.len() > 1 {
            let at = 1 + next(books.live.len() as u64 - 1) as usize;
            let (unit, end) = books.live.swap_remove(at);
            assert_eq!(page.take(unit), Some(end - unit));
            assert_eq!(page.take(unit), None, "only once");
            books.leaving.push((unit, end, false));
        } else if !books.leaving.is_empty() {
            let at = next(books.leaving.len() as u64) as usize;
            match books.leaving[at] {
                (unit, end, false) if next(4) == 0 && !overtaken.contains(&(unit, end)) => {
                    page.put_back(unit);
                    books.leaving.swap_remove(at);
                    books.live.push((unit, end));
                }
                (unit, end, true) => {
                    assert_eq!(page.freed::<Exact>(unit, end - unit), None, "it is not empty");
                    books.leaving.swap_remove(at);
                    if let Some(at) = overtaken.iter().position(|gone| *gone == (unit, end)) {
                        overtaken.swap_remove(at);
                    }
                }
                _ => books.leaving[at].2 = true,
            }
        }
        let longest = books.longest(&overtaken);
        assert!(!page.surely_has(longest + 1), "room that is not there: {longest}");
        assert!(!page.has_room(longest + 1), "room that is not there: {longest}");
        assert!(longest == 0 || page.has_room(longest), "room that is not found: {longest}");
    }
}

#[test]
fn as_bits() {
    (0..40).for_each(against_bits);
}
