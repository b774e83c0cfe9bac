//! Which parts of a line of numbers are free: addresses, offsets in a file, offsets in a slab.

use std::collections::BTreeMap;

/// Free stretches, start → length; neighbours are always merged.
#[derive(Debug, Default)]
pub struct Extents {
    free: BTreeMap<usize, usize>,
    sum: usize,
}

impl Extents {
    /// One free stretch.
    pub fn new(start: usize, len: usize) -> Extents {
        let mut all = Extents::default();
        all.give(start, len);
        all
    }

    /// What is free, all stretches together.
    pub fn sum(&self) -> usize {
        self.sum
    }

    /// The lowest place where `len` fits at a multiple of `align`.
    pub fn take(&mut self, len: usize, align: usize) -> Option<usize> {
        if len > self.sum {
            return None;
        }
        let start = self.free.iter().find_map(|(&start, &room)| {
            let aligned = start.checked_next_multiple_of(align)?;
            let end = aligned.checked_add(len)?;
            (end <= start + room).then_some(aligned)
        })?;
        self.take_at(start, len).then_some(start)
    }

    /// Exactly this stretch, if all of it is free.
    pub fn take_at(&mut self, start: usize, len: usize) -> bool {
        let Some((&before, &room)) = self.free.range(..=start).next_back() else {
            return false;
        };
        let (Some(end), stop) = (start.checked_add(len), before + room) else {
            return false;
        };
        if end > stop {
            return false;
        }
        self.free.remove(&before);
        self.sum -= len;
        if before < start {
            self.free.insert(before, start - before);
        }
        if end < stop {
            self.free.insert(end, stop - end);
        }
        true
    }

    /// Makes a taken stretch free again.
    pub fn give(&mut self, start: usize, len: usize) {
        if len == 0 {
            return;
        }
        self.sum += len;
        let (mut start, mut end) = (start, start + len);
        if let Some((&before, &room)) = self.free.range(..start).next_back()
            && before + room == start
        {
            self.free.remove(&before);
            start = before;
        }
        if let Some(room) = self.free.remove(&end) {
            end += room;
        }
        self.free.insert(start, end - start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_merge_whatever_the_order() {
        let mut all = Extents::new(0, 300);
        let parts: Vec<_> = (0..3).map(|_| all.take(100, 1).unwrap()).collect();
        assert_eq!((parts, all.take(1, 1)), (vec![0, 100, 200], None));
        all.give(0, 100);
        all.give(200, 100);
        assert_eq!(all.take(150, 1), None);
        all.give(100, 100);
        assert_eq!(all.take(300, 1), Some(0));
    }

    #[test]
    fn what_alignment_skips_stays_free() {
        let mut all = Extents::new(3, 100);
        assert_eq!(all.take(10, 64), Some(64));
        assert_eq!((all.sum(), all.take(61, 1)), (90, Some(3)));
        assert_eq!(all.take(29, 1), Some(74));
    }

    #[test]
    fn a_stretch_is_taken_whole_or_not() {
        let mut all = Extents::new(10, 10);
        assert!(!all.take_at(9, 5) && !all.take_at(15, 6) && !all.take_at(usize::MAX, 2));
        assert!(all.take_at(12, 4) && !all.take_at(15, 1));
        assert_eq!(all.sum(), 6);
    }
}
