//! Arrays without memory of their own: what is mapped to parts of one is held until it is unmapped, or the
//! array goes, by itself or with its context.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use super::Entry;
use super::vmm::{Dropped, Id, Physicals};

/// A part of an array, as the driver is told.
pub type Part = [u64; 5];

#[derive(Default)]
pub struct Sparse {
    /// It ends with that; 0 if its making was not seen.
    context: u64,
    tiles: HashMap<Part, Id>,
}

impl Sparse {
    pub(super) fn memory(&self) -> impl Iterator<Item = Id> {
        self.tiles.values().copied()
    }
}

impl Physicals {
    pub fn made_sparse(&self, array: u64, context: u64) {
        self.table.with(|table| table.sparse.entry(array).or_default().context = context);
    }

    /// Memory is mapped to a part of an array, or (handle 0) none is any more: the charge of what went.
    pub fn tiled(&self, array: u64, part: Part, handle: u64) -> Option<Entry> {
        self.table.with(|table| {
            let tiles = &mut table.sparse.entry(array).or_default().tiles;
            let before = tiles.remove(&part);
            if let Some((id, _)) = table.handles.get(&handle).copied() {
                tiles.insert(part, id);
                table.refer(id);
            }
            before.and_then(|id| table.unrefer(id))
        })
    }

    /// Before an array is destroyed.
    pub fn take_array(&self, array: u64) -> Dropped {
        self.take_arrays(|of, _| of == array)
    }

    /// Before a context is.
    pub fn take_arrays_of(&self, context: u64) -> Dropped {
        self.take_arrays(|_, sparse| sparse.context == context)
    }

    fn take_arrays(&self, wanted: impl Fn(u64, &Sparse) -> bool) -> Dropped {
        self.table.with(|table| {
            let arrays = table.sparse.extract_if(|array, sparse| wanted(*array, sparse)).collect();
            table.leaves(Dropped::arrays(arrays))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const CHARGE: Entry = Entry { bytes: 7, owner: 0, ordinal: 0, kind: Kind::Vmm };
    const PART: Part = [0; 5];

    #[test]
    fn what_is_mapped_to_an_array_goes_with_it_or_with_its_context() {
        let physicals = Physicals::new();
        for array in [10, 20, 30] {
            physicals.made_sparse(array, array / 20);
            physicals.created(array, CHARGE, false);
            assert_eq!(physicals.tiled(array, PART, array), None);
            assert!(physicals.forget(physicals.take_handle(array)).is_empty(), "it is mapped");
        }
        physicals.put_back(physicals.take_array(10));
        assert_eq!(physicals.forget(physicals.take_array(10)), [CHARGE]);
        assert!(physicals.forget(physicals.take_arrays_of(0)).is_empty(), "it had that one only");
        assert_eq!(physicals.forget(physicals.take_arrays_of(1)), [CHARGE; 2]);
    }

    #[test]
    fn what_takes_the_place_of_other_memory_lets_that_go() {
        let physicals = Physicals::new();
        physicals.created(1, CHARGE, false);
        assert_eq!(physicals.tiled(10, PART, 1), None);
        assert!(physicals.forget(physicals.take_handle(1)).is_empty());
        assert_eq!(physicals.tiled(10, PART, 0), Some(CHARGE));
    }
}
