//! Pages by their number: neighbours beside neighbours, and the part looked at last is at hand, for what
//! comes next is likely to be about it too.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::marks::{NO_SHORT, Short};
use super::page::{Near, Page};
use crate::table::mix;

/// Pages of a stretch, each of them empty at first.
const STRETCH: usize = 1 << 8;

struct Stretch {
    number: u64,
    near: Box<[Near; STRETCH]>,
    short: Box<[Short; STRETCH]>,
}

#[derive(Default)]
pub struct Known {
    stretches: Vec<Stretch>,
    /// Where each is.
    places: HashMap<u64, usize, BuildHasherDefault<Mixed>>,
    last: usize,
}

/// As many as a stretch has. Plain zeros (`NO_SHORT`) are not written: the kernel makes what is touched.
#[expect(clippy::expect_used, reason = "it has that length")]
fn all<T: Clone>(empty: T) -> Box<[T; STRETCH]> {
    vec![empty; STRETCH].into_boxed_slice().try_into().ok().expect("its length")
}

impl Stretch {
    fn new(number: u64) -> Stretch {
        Stretch { number, near: all(Near::default()), short: all(NO_SHORT) }
    }

    #[inline(always)]
    fn page(&mut self, page: u64) -> Page<'_> {
        let at = page as usize % STRETCH;
        #[expect(clippy::indexing_slicing, reason = "below the length of both")]
        Page::new(&mut self.near[at], &mut self.short[at])
    }

    fn pages(&mut self) -> impl Iterator<Item = (u64, Page<'_>)> {
        let first = self.number * STRETCH as u64;
        let all = self.near.iter_mut().zip(&mut *self.short);
        (first..).zip(all.map(|(near, short)| Page::new(near, short)))
    }
}

impl Known {
    /// A page of a stretch where something was placed.
    #[inline(always)]
    pub fn find(&mut self, page: u64) -> Option<Page<'_>> {
        let number = page / STRETCH as u64;
        if self.stretches.get(self.last).is_none_or(|stretch| stretch.number != number) {
            self.last = self.look_up(number)?;
        }
        self.stretches.get_mut(self.last).map(|stretch| stretch.page(page))
    }

    #[inline(never)]
    fn look_up(&self, number: u64) -> Option<usize> {
        self.places.get(&number).copied()
    }

    /// Any page.
    #[inline(always)]
    pub fn find_or_make(&mut self, page: u64) -> Page<'_> {
        let number = page / STRETCH as u64;
        if self.stretches.get(self.last).is_none_or(|stretch| stretch.number != number) {
            self.last = self.look_up(number).unwrap_or_else(|| self.make(number));
        }
        #[expect(clippy::indexing_slicing, reason = "found, or made just now")]
        self.stretches[self.last].page(page)
    }

    #[cold]
    fn make(&mut self, number: u64) -> usize {
        self.places.insert(number, self.stretches.len());
        self.stretches.push(Stretch::new(number));
        self.stretches.len() - 1
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, Page<'_>)> {
        self.stretches.iter_mut().flat_map(Stretch::pages)
    }
}

/// Numbers of stretches are spread well enough by one multiplication.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0 ^ value);
    }
}
