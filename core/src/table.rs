//! A table from numbers to small values, for a process's own books: open addressing, so that a look
//! is one or two cache lines, and deletion leaves nothing behind that would slow down what comes.
#![forbid(unsafe_code)]

/// Spreads addresses and handles, whose low bits are alike, over all bits.
#[inline(always)]
pub fn mix(key: u64) -> u64 {
    let wide = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
    wide as u64 ^ (wide >> 64) as u64
}

const FIRST_ROOM: usize = 16;

/// Keys are not 0. At most three quarters of the places are taken.
#[derive(Debug)]
pub struct Table<V> {
    /// A power of two of them, or none.
    places: Vec<(u64, V)>,
    len: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Table<V> {
        Table::new()
    }
}

impl<V> Table<V> {
    pub const fn new() -> Table<V> {
        Table { places: Vec::new(), len: 0 }
    }
}

impl<V: Copy + Default> Table<V> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where the key is, or where it would go. There is always an empty place.
    #[inline(always)]
    fn find(&self, hash: u64, key: u64) -> usize {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while self.places.get(at).is_some_and(|(held, _)| *held != 0 && *held != key) {
            at = (at + 1) & mask;
        }
        at
    }

    /// Sets the key's value; the one it had. `hash` is the key's `mix`, which whoever chose this table
    /// by it has already.
    #[inline(always)]
    pub fn insert(&mut self, hash: u64, key: u64, value: V) -> Option<V> {
        if (self.len + 1) * 4 > self.places.len() * 3 {
            self.grow();
        }
        let at = self.find(hash, key);
        let place = self.places.get_mut(at)?;
        let before = core::mem::replace(place, (key, value));
        if before.0 == key {
            return Some(before.1);
        }
        self.len += 1;
        None
    }

    #[cold]
    fn grow(&mut self) {
        let room = (self.places.len() * 2).max(FIRST_ROOM);
        let before = core::mem::replace(&mut self.places, vec![(0, V::default()); room]);
        for (key, value) in before.into_iter().filter(|(key, _)| *key != 0) {
            let at = self.find(mix(key), key);
            if let Some(place) = self.places.get_mut(at) {
                *place = (key, value);
            }
        }
    }

    pub fn get(&self, key: u64) -> Option<V> {
        let (held, value) = self.places.get(self.find(mix(key), key))?;
        (*held == key && key != 0).then_some(*value)
    }

    /// Takes the key out; what follows it in its run moves up, so that every key is found from where
    /// it belongs without a gap.
    #[inline(always)]
    pub fn remove(&mut self, hash: u64, key: u64) -> Option<V> {
        let mut gap = self.find(hash, key);
        let (held, value) = *self.places.get(gap)?;
        if held != key || key == 0 {
            return None;
        }
        let mask = self.places.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let (next, moved) = *self.places.get(at)?;
            if next == 0 {
                break;
            }
            // It may move if the gap lies between where it belongs and where it is.
            let belongs = mix(next) as usize & mask;
            if at.wrapping_sub(belongs) & mask >= at.wrapping_sub(gap) & mask {
                *self.places.get_mut(gap)? = (next, moved);
                gap = at;
            }
        }
        *self.places.get_mut(gap)? = (0, V::default());
        self.len -= 1;
        Some(value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (u64, V)> + '_ {
        self.places.iter().copied().filter(|(key, _)| *key != 0)
    }

    /// Takes out everything `wanted` wants.
    pub fn take_all(&mut self, wanted: impl Fn(&V) -> bool) -> Vec<(u64, V)> {
        let taken: Vec<(u64, V)> = self.iter().filter(|(_, value)| wanted(value)).collect();
        for (key, _) in &taken {
            self.remove(mix(*key), *key);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn as_a_plain_map() {
        let (mut table, mut map) = (Table::new(), BTreeMap::new());
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for step in 0..300_000_u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Few keys, and alike in their low bits: long runs, and much coming and going.
            let key = (1 + random % 3000) << 21;
            if random >> 60 < 8 {
                assert_eq!(table.insert(mix(key), key, step), map.insert(key, step));
            } else {
                assert_eq!(table.remove(mix(key), key), map.remove(&key));
            }
            assert_eq!(table.get(key), map.get(&key).copied());
            assert_eq!(table.len(), map.len());
        }
        assert!(table.iter().collect::<BTreeMap<_, _>>() == map);
        let odd = |value: &u64| value % 2 == 1;
        let taken: BTreeMap<_, _> = table.take_all(odd).into_iter().collect();
        let rest = map.extract_if(.., |_, value| odd(value)).collect::<BTreeMap<_, _>>();
        assert!(taken == rest && table.iter().collect::<BTreeMap<_, _>>() == map);
    }

    #[test]
    fn nothing_is_in_an_empty_one() {
        let mut table = Table::<u64>::new();
        assert_eq!((table.get(5), table.remove(mix(5), 5), table.len()), (None, None, 0));
        table.insert(mix(5), 5, 6);
        assert_eq!(
            (table.get(0), table.remove(mix(0), 0), table.remove(mix(5), 5)),
            (None, None, Some(6))
        );
        assert!(table.is_empty());
    }
}
