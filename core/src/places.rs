//! Two words for every page of the address space, neighbours beside neighbours: what begins with a page
//! is found without a search, and by as few cache misses as there can be.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::grain::PAGE;
use crate::shm::{Words, alone};

/// Pages of a stretch: one mapping, of which the kernel makes what is touched.
const STRETCH: usize = 1 << 16;
const STRETCHES: usize = (1 << 48) / PAGE as usize / STRETCH;

/// A place is empty while its second word is 0. Whoever takes what is there takes all of it, once.
pub struct Places {
    /// None for good where the kernel refused.
    stretches: Box<[OnceLock<Option<Words>>]>,
}

/// Where what begins at an address is kept.
#[derive(Clone, Copy)]
pub struct Place<'a>(&'a [AtomicU64; 2]);

impl Default for Places {
    fn default() -> Places {
        Places { stretches: (0..STRETCHES).map(|_| OnceLock::new()).collect() }
    }
}

impl Places {
    /// The place of an address; always the same answer. None for one that begins no page.
    #[inline(always)]
    pub fn at(&self, address: u64) -> Option<Place<'_>> {
        let page = (address / PAGE) as usize;
        let stretch =
            self.stretches.get(page / STRETCH).filter(|_| address.is_multiple_of(PAGE))?;
        let words = match stretch.get() {
            Some(words) => *words,
            None => *stretch.get_or_init(|| Words::own(2 * STRETCH).ok()),
        };
        words?.run(page % STRETCH * 2, 2)?.first_chunk().map(Place)
    }

    /// Every place that has something, with its address.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Place<'_>)> {
        let stretches = self.stretches.iter().enumerate();
        let there = stretches.filter_map(|(at, stretch)| Some((at, (*stretch.get()?)?)));
        there.flat_map(|(at, words)| {
            let place = move |page: usize| {
                let place = Place(words.run(page * 2, 2)?.first_chunk()?);
                let address = (at * STRETCH + page) as u64 * PAGE;
                (place.0[1].load(Ordering::Relaxed) != 0).then_some((address, place))
            };
            (0..STRETCH).filter_map(place)
        })
    }
}

impl Place<'_> {
    /// The second word is not 0, and the place is empty.
    #[inline(always)]
    pub fn put(&self, [first, second]: [u64; 2]) {
        self.0[0].store(first, Ordering::Relaxed);
        // SYNC POINT: whoever finds the second word finds the first; the other end is in `take`.
        self.0[1].store(second, Ordering::Release);
    }

    pub fn get(&self) -> Option<[u64; 2]> {
        let second = self.0[1].load(Ordering::Acquire);
        (second != 0).then(|| [self.0[0].load(Ordering::Relaxed), second])
    }

    #[inline(always)]
    pub fn take(&self) -> Option<[u64; 2]> {
        let [first, second] = self.0;
        let mut found = second.load(Ordering::Acquire);
        if found != 0 && alone::is_alone() {
            second.store(0, Ordering::Relaxed);
        } else if found != 0 {
            found = second.swap(0, Ordering::Acquire);
        }
        // Nobody else puts anything there before what was taken is gone.
        (found != 0).then(|| [first.load(Ordering::Relaxed), found])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken_once() {
        let places = Places::default();
        let last = (1 << 48) - PAGE;
        for address in [PAGE, 5 * PAGE, 0x7f00_0000_0000, last] {
            let place = places.at(address).expect("it begins a page");
            assert_eq!((place.get(), place.take()), (None, None));
            place.put([7, address]);
            assert_eq!(place.get(), Some([7, address]));
        }
        let all: Vec<u64> = places.iter().map(|(address, _)| address).collect();
        assert_eq!(all, [PAGE, 5 * PAGE, 0x7f00_0000_0000, last]);
        let taken: Vec<_> = places.iter().filter_map(|(_, place)| place.take()).collect();
        assert_eq!(taken, all.iter().map(|address| [7, *address]).collect::<Vec<_>>());
        assert_eq!(places.iter().count(), 0);
    }

    #[test]
    fn elsewhere_there_is_no_place() {
        let places = Places::default();
        for address in [1, PAGE + 512, 1 << 48, u64::MAX] {
            assert!(places.at(address).is_none(), "{address:#x}");
        }
    }

    #[test]
    fn of_those_who_take_at_once_one_gets_it() {
        let (places, taken) = (Places::default(), AtomicU64::new(0));
        let place = places.at(PAGE).expect("it begins a page");
        for round in 1..2000 {
            place.put([round, round]);
            let take = || {
                if let Some(found) = place.take() {
                    assert_eq!(found, [round, round]);
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            };
            std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(take))));
            assert_eq!(taken.load(Ordering::Relaxed), round);
        }
    }
}
