//! Pages by their number, the one looked for last at hand: what comes next is likely to be about it too.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Owned;
use crate::table::mix;

#[derive(Default)]
pub struct Known {
    pages: Vec<(u64, Owned)>,
    /// Where each is.
    places: HashMap<u64, usize, BuildHasherDefault<Mixed>>,
    last: usize,
}

impl Known {
    #[inline(always)]
    pub fn find(&mut self, page: u64) -> Option<&mut Owned> {
        if self.pages.get(self.last).is_none_or(|(at, _)| *at != page) {
            self.last = self.look_up(page)?;
        }
        self.pages.get_mut(self.last).map(|(_, owned)| owned)
    }

    #[inline(never)]
    fn look_up(&self, page: u64) -> Option<usize> {
        self.places.get(&page).copied()
    }

    #[inline(always)]
    pub fn find_or_insert(&mut self, page: u64, make: impl FnOnce() -> Owned) -> &mut Owned {
        if self.find(page).is_none() {
            self.insert(page, make());
        }
        #[expect(clippy::indexing_slicing, reason = "found, or inserted just now")]
        &mut self.pages[self.last].1
    }

    /// One that is not known.
    #[cold]
    pub fn insert(&mut self, page: u64, owned: Owned) {
        self.last = self.pages.len();
        self.places.insert(page, self.last);
        self.pages.push((page, owned));
    }

    pub fn iter(&self) -> impl Iterator<Item = &Owned> {
        self.pages.iter().map(|(_, owned)| owned)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut Owned)> {
        self.pages.iter_mut().map(|(page, owned)| (*page, owned))
    }

    /// Takes out those that are wanted.
    pub fn extract(&mut self, wanted: impl Fn(&Owned) -> bool) -> Vec<(u64, Owned)> {
        let gone = self.pages.extract_if(.., |(_, owned)| wanted(owned)).collect();
        let left = self.pages.iter().enumerate();
        self.places = left.map(|(place, (page, _))| (*page, place)).collect();
        gone
    }
}

/// Page numbers are spread well enough by one multiplication.
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
