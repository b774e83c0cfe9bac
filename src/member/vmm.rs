//! Physical memory of the virtual-memory calls: it lives until the last handle and the last mapping
//! are gone, and so does its charge.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};

use cuota_core::shm::Brief;

use super::sparse::Sparse;
use super::{Entry, Member};

/// A piece of physical memory, by a number of ours.
pub(super) type Id = u64;

struct Physical {
    charge: Entry,
    /// Its shareable handles are file descriptors.
    by_descriptor: bool,
    /// Uses of handles, and mappings.
    references: u64,
}

#[derive(Default)]
pub(super) struct Table {
    next: Id,
    physicals: HashMap<Id, Physical>,
    /// Handle → memory and how often it must be released.
    pub(super) handles: HashMap<u64, (Id, u64)>,
    /// Address → bytes and memory.
    mappings: BTreeMap<u64, (u64, Id)>,
    /// Arrays without memory of their own.
    pub(super) sparse: HashMap<u64, Sparse>,
    /// What an exported descriptor leads to → memory; nothing where one name stands for several.
    exports: HashMap<(u64, u64), Option<Id>>,
    /// The charge of what such a descriptor leads to and nothing here refers to any more: whoever imports it
    /// has it again.
    left: HashMap<(u64, u64), Entry>,
    /// Bytes to which references were taken out that the driver has not dropped yet, or has.
    leaving: u64,
}

pub struct Physicals {
    pub(super) table: Brief<Table>,
}

/// References taken out before the driver drops them.
#[derive(Default)]
pub struct Dropped {
    handle: Option<(u64, Id)>,
    mappings: Vec<(u64, u64, Id)>,
    arrays: Vec<(u64, Sparse)>,
}

impl Dropped {
    pub(super) fn arrays(arrays: Vec<(u64, Sparse)>) -> Dropped {
        Dropped { arrays, ..Dropped::default() }
    }

    fn memory(&self) -> impl Iterator<Item = Id> {
        let mapped = self.mappings.iter().map(|(.., id)| *id);
        let ids = mapped.chain(self.handle.map(|(_, id)| id));
        ids.chain(self.arrays.iter().flat_map(|(_, sparse)| sparse.memory()))
    }

    pub fn is_empty(&self) -> bool {
        self.handle.is_none() && self.mappings.is_empty() && self.arrays.is_empty()
    }
}

impl Physicals {
    pub(super) fn new() -> Physicals {
        Physicals { table: Brief::new(Table::default()) }
    }

    pub fn created(&self, handle: u64, charge: Entry, by_descriptor: bool) {
        self.table.with(|table| {
            let id = table.next;
            table.next += 1;
            table.physicals.insert(id, Physical { charge, by_descriptor, references: 1 });
            table.handles.insert(handle, (id, 1));
        });
    }

    pub fn is_shared_by_descriptor(&self, handle: u64) -> bool {
        self.table.with(|table| {
            let id = table.handles.get(&handle).map(|(id, _)| *id);
            id.and_then(|id| table.physicals.get(&id)).is_some_and(|found| found.by_descriptor)
        })
    }

    pub fn mapped(&self, address: u64, bytes: u64, handle: u64) {
        self.table.with(|table| {
            if let Some((id, _)) = table.handles.get(&handle).copied() {
                table.mappings.insert(address, (bytes, id));
                table.refer(id);
            }
        });
    }

    /// The driver has given one more use of a handle for what is mapped at an address.
    pub fn retained(&self, handle: u64, address: u64) {
        self.table.with(|table| {
            let at = table.mappings.range(..=address).next_back();
            if let Some((start, (bytes, id))) = at.map(|(start, mapping)| (*start, *mapping))
                && address - start < bytes
            {
                table.use_handle(handle, id);
            }
        });
    }

    /// A descriptor that leads to `file` stands for the memory of a handle.
    pub fn exported(&self, handle: u64, file: (u64, u64)) {
        self.table.with(|table| {
            let Some((id, _)) = table.handles.get(&handle).copied() else { return };
            table.left.remove(&file);
            let known = table.exports.entry(file).or_insert(Some(id));
            if *known != Some(id) {
                *known = None;
            }
        });
    }

    /// What a descriptor leads to was this process's, and nothing of it refers to that any more: its charge.
    pub fn left_behind(&self, file: (u64, u64)) -> Option<Entry> {
        self.table.with(|table| table.left.get(&file).copied())
    }

    /// It has come back, and is charged again.
    pub fn back(&self, handle: u64, charge: Entry, file: (u64, u64)) {
        self.created(handle, charge, true);
        self.exported(handle, file);
    }

    /// Whether a descriptor brought back memory of this very process, which then has one use more.
    pub fn imported(&self, handle: u64, file: (u64, u64)) -> bool {
        self.table.with(|table| {
            let id = table.exports.get(&file).copied().flatten();
            let ours = id.filter(|id| table.physicals.contains_key(id));
            ours.map(|id| table.use_handle(handle, id)).is_some()
        })
    }

    /// Before a handle is released.
    pub fn take_handle(&self, handle: u64) -> Dropped {
        self.table.with(|table| {
            let taken = table.handles.get_mut(&handle).map(|(id, uses)| {
                *uses -= 1;
                (*id, *uses)
            });
            if let Some((_, 0)) = taken {
                table.handles.remove(&handle);
            }
            let handle = taken.map(|(id, _)| (handle, id));
            table.leaves(Dropped { handle, ..Dropped::default() })
        })
    }

    /// Before a range of addresses is unmapped.
    pub fn take_mappings(&self, address: u64, bytes: u64) -> Dropped {
        let end = address.saturating_add(bytes);
        self.table.with(|table| {
            let inside: Vec<u64> = table.mappings.range(address..end).map(|(at, _)| *at).collect();
            let out = inside.into_iter().filter_map(|at| {
                let (bytes, id) = table.mappings.remove(&at)?;
                Some((at, bytes, id))
            });
            let mappings = out.collect();
            table.leaves(Dropped { mappings, ..Dropped::default() })
        })
    }

    /// The driver dropped nothing after all. If a handle stands for something else by now it did: the charge
    /// of what has gone.
    pub(super) fn put_back(&self, dropped: Dropped) -> Option<Entry> {
        self.table.with(|table| {
            table.has_left(&dropped);
            table.sparse.extend(dropped.arrays);
            for (at, bytes, id) in dropped.mappings {
                table.mappings.insert(at, (bytes, id));
            }
            let (handle, id) = dropped.handle?;
            let (of, uses) = table.handles.entry(handle).or_insert((id, 0));
            if *of != id {
                return table.unrefer(id);
            }
            *uses += 1;
            None
        })
    }

    /// The bytes of a device that nobody is about to drop.
    pub fn bytes_on(&self, ordinal: u8) -> u64 {
        self.table.with(|table| {
            let charges = table.physicals.values().map(|physical| physical.charge);
            let here = charges.filter(|charge| charge.ordinal == ordinal);
            here.map(|charge| charge.bytes).sum::<u64>().saturating_sub(table.leaving)
        })
    }

    /// The charges of what nothing refers to any more.
    pub(super) fn forget(&self, dropped: Dropped) -> Vec<Entry> {
        self.table.with(|table| {
            table.has_left(&dropped);
            dropped.memory().filter_map(|id| table.unrefer(id)).collect()
        })
    }
}

impl Table {
    fn bytes_of(&self, dropped: &Dropped) -> u64 {
        let known = dropped.memory().filter_map(|id| self.physicals.get(&id));
        known.map(|physical| physical.charge.bytes).sum()
    }

    pub(super) fn leaves(&mut self, dropped: Dropped) -> Dropped {
        self.leaving += self.bytes_of(&dropped);
        dropped
    }

    fn has_left(&mut self, dropped: &Dropped) {
        self.leaving = self.leaving.saturating_sub(self.bytes_of(dropped));
    }

    pub(super) fn refer(&mut self, id: Id) {
        if let Some(physical) = self.physicals.get_mut(&id) {
            physical.references += 1;
        }
    }

    fn use_handle(&mut self, handle: u64, id: Id) {
        self.handles.entry(handle).or_insert((id, 0)).1 += 1;
        self.refer(id);
    }

    pub(super) fn unrefer(&mut self, id: Id) -> Option<Entry> {
        let physical = self.physicals.get_mut(&id)?;
        physical.references = physical.references.saturating_sub(1);
        if physical.references > 0 {
            return None;
        }
        let charge = self.physicals.remove(&id)?.charge;
        let left = self.exports.extract_if(|_, known| *known == Some(id));
        self.left.extend(left.map(|(file, _)| (file, charge)));
        Some(charge)
    }
}

impl Member {
    /// The driver has dropped references to physical memory.
    pub fn let_go_of(&self, dropped: Dropped) {
        for charge in self.physicals.forget(dropped) {
            self.let_go(charge, 0);
        }
    }

    /// The driver has dropped none.
    pub fn put_back_references(&self, dropped: Dropped) {
        if let Some(charge) = self.physicals.put_back(dropped) {
            self.let_go(charge, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const CHARGE: Entry = Entry { bytes: 7, owner: 0, ordinal: 0, kind: Kind::Vmm };

    #[test]
    fn memory_goes_with_its_last_reference() {
        let physicals = Physicals::new();
        physicals.created(1, CHARGE, true);
        physicals.mapped(100, 10, 1);
        physicals.retained(1, 105);
        physicals.retained(2, 110);
        assert!(physicals.forget(physicals.take_handle(1)).is_empty());
        assert!(physicals.forget(physicals.take_handle(1)).is_empty());
        assert!(
            physicals.forget(physicals.take_handle(1)).is_empty(),
            "released twice, used twice"
        );
        physicals.put_back(physicals.take_mappings(0, 1000));
        assert_eq!(physicals.forget(physicals.take_mappings(100, 10)), [CHARGE]);
        assert!(physicals.forget(physicals.take_mappings(100, 10)).is_empty());
    }

    #[test]
    fn what_comes_back_by_a_descriptor_is_the_same_memory() {
        let physicals = Physicals::new();
        physicals.created(1, CHARGE, true);
        physicals.created(2, CHARGE, true);
        physicals.exported(1, (5, 5));
        assert!(!physicals.imported(3, (6, 6)));
        assert!(physicals.imported(3, (5, 5)));
        assert!(physicals.forget(physicals.take_handle(1)).is_empty());
        assert_eq!(physicals.forget(physicals.take_handle(3)), [CHARGE]);
        assert_eq!(physicals.left_behind((5, 5)), Some(CHARGE), "it may come back");
        physicals.back(6, CHARGE, (5, 5));
        assert_eq!(physicals.left_behind((5, 5)), None);
        assert!(physicals.imported(7, (5, 5)));
        physicals.exported(2, (7, 7));
        physicals.created(4, CHARGE, true);
        physicals.exported(4, (7, 7));
        assert!(!physicals.imported(5, (7, 7)), "a name that stands for two says nothing");
    }
}
