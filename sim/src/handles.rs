//! Handles: opaque values a program holds, checked whenever it hands one in.
//!
//! A value is never used twice, so a destroyed handle stays invalid; kinds differ, so a stream is no event.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// All live objects of one kind.
pub struct Table<T> {
    next: AtomicUsize,
    live: RwLock<BTreeMap<usize, Arc<T>>>,
}

impl<T> Table<T> {
    /// Each kind has its own number, 1 to 255.
    pub const fn new(kind: u8) -> Table<T> {
        Table {
            next: AtomicUsize::new((0x5000 + kind as usize) << 32),
            live: RwLock::new(BTreeMap::new()),
        }
    }

    /// A value to be given to [`Table::insert_at`], for objects that know their own handle.
    pub fn reserve(&self) -> usize {
        self.next.fetch_add(16, Ordering::Relaxed)
    }

    pub fn insert_at(&self, handle: usize, object: Arc<T>) {
        self.live.write().unwrap_or_else(PoisonError::into_inner).insert(handle, object);
    }

    pub fn insert(&self, object: Arc<T>) -> usize {
        let handle = self.reserve();
        self.insert_at(handle, object);
        handle
    }

    pub fn get(&self, handle: usize) -> Option<Arc<T>> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned()
    }

    /// The object, if the handle was live; only one caller gets it.
    pub fn remove(&self, handle: usize) -> Option<Arc<T>> {
        self.live.write().unwrap_or_else(PoisonError::into_inner).remove(&handle)
    }

    /// Removes and returns every object that `belongs`.
    pub fn remove_where(&self, belongs: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<usize> =
            live.iter().filter(|(_, object)| belongs(object)).map(|(handle, _)| *handle).collect();
        gone.iter().filter_map(|handle| live.remove(handle)).collect()
    }
}
