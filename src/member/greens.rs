//! Green contexts: parts of a device's primary context. What is made in one is the primary's, and goes with that.
#![forbid(unsafe_code)]

use core::ffi::c_int;

use cuota_core::shm::Brief;

#[derive(Clone, Copy)]
pub struct Green {
    pub handle: u64,
    /// As which it is made current; 0 if it never was asked for.
    pub context: u64,
    pub ordinal: c_int,
}

#[derive(Default)]
pub struct Greens {
    list: Brief<Vec<Green>>,
}

impl Greens {
    pub fn put(&self, green: Green) {
        self.list.with(|list| {
            list.retain(|known| known.handle != green.handle);
            list.push(green);
        });
    }

    pub fn named(&self, handle: u64) -> Option<Green> {
        self.list.with(|list| list.iter().find(|green| green.handle == handle).copied())
    }

    /// Before it is destroyed: its names may be others' then.
    pub fn take(&self, handle: u64) -> Option<Green> {
        self.list.with(|list| {
            let at = list.iter().position(|green| green.handle == handle)?;
            Some(list.swap_remove(at))
        })
    }

    /// Whether a context is one of them.
    pub fn has(&self, context: u64) -> bool {
        self.list.with(|list| list.iter().any(|green| green.context == context))
    }
}
