//! From the driver's own address of a function to our entry point.
//!
//! `cuGetProcAddress` is asked first and its answer translated here: never re-derived by name, since
//! which variant a name stands for depends on the version and flags asked with.
#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const SIZE: usize = 2048;

/// Open addressing; filled while the driver is loaded (at most once per entry point, all below half
/// full), then only read.
pub struct Addresses {
    keys: [AtomicPtr<()>; SIZE],
    entries: [AtomicU32; SIZE],
}

pub static ADDRESSES: Addresses = Addresses::new();

impl Addresses {
    const fn new() -> Addresses {
        Addresses {
            keys: [const { AtomicPtr::new(core::ptr::null_mut()) }; SIZE],
            entries: [const { AtomicU32::new(0) }; SIZE],
        }
    }

    fn places(real: *mut ()) -> impl Iterator<Item = usize> {
        let hash = (real.addr() as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        (0..SIZE).map(move |step| (hash as usize + step) % SIZE)
    }

    /// Remembers that the driver's `real` is entry `index`. Threads loading at once insert the same
    /// pairs; an address two names share keeps the first name.
    pub fn insert(&self, real: *mut (), index: usize) {
        for place in Self::places(real) {
            let (Some(key), Some(entry)) = (self.keys.get(place), self.entries.get(place)) else {
                return;
            };
            match key.compare_exchange(
                core::ptr::null_mut(),
                real,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return entry.store(index as u32 + 1, Ordering::Release),
                Err(held) if core::ptr::eq(held, real) => {
                    // Another thread may have claimed the place and not yet said for which entry.
                    let _ = entry.compare_exchange(
                        0,
                        index as u32 + 1,
                        Ordering::Release,
                        Ordering::Relaxed,
                    );
                    return;
                }
                Err(_) => {}
            }
        }
    }

    /// Which entry point the driver's `real` is, if any: its index.
    pub fn find(&self, real: *mut ()) -> Option<usize> {
        for place in Self::places(real) {
            let held = self.keys.get(place)?.load(Ordering::Acquire);
            if held.is_null() {
                return None;
            }
            if core::ptr::eq(held, real) {
                let index = self.entries.get(place)?.load(Ordering::Acquire);
                return (index as usize).checked_sub(1);
            }
        }
        None
    }
}
