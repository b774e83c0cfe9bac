//! All entry points together: found by name, and pointed at their bodies when the driver is loaded.
#![forbid(unsafe_code)]

use core::ffi::CStr;
use core::sync::atomic::AtomicU64;

use super::{forward, missing, nvml, rows};
use crate::driver::find::{self as find_driver, Asked};
use crate::driver::load::{self, Outcome, Wiring};
use crate::driver::{Entry, Kind, Library, process};
use crate::{client, log};

const COUNT: usize = rows::ENTRIES.len() + nvml::ENTRIES.len() + forward::ENTRIES.len();

/// Every entry point there is: the rows, NVML's, the forwarded.
#[expect(clippy::indexing_slicing, reason = "at compile time, where a bad index is an error")]
pub static ALL: [&Entry; COUNT] = {
    let mut all = [rows::ENTRIES[0]; COUNT];
    let parts = [rows::ENTRIES, nvml::ENTRIES, forward::ENTRIES];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            all[at] = parts[part][i];
            (i, at) = (i + 1, at + 1);
        }
        part += 1;
    }
    all
};

const PLACES: usize = 2048;

/// Open addressing by name, made at compile time: `dlsym` may not allocate, lock or wait. A place
/// holds an index in `ALL` plus one.
#[expect(clippy::indexing_slicing, reason = "at compile time, where a bad index is an error")]
static PLACE_OF: [u16; PLACES] = {
    let mut places = [0; PLACES];
    let parts = [rows::NAMES, nvml::NAMES, forward::NAMES];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let mut i = 0;
        while i < parts[part].len() {
            let mut place = hash(parts[part][i].as_bytes());
            while places[place % PLACES] != 0 {
                place += 1;
            }
            places[place % PLACES] = at + 1;
            (i, at) = (i + 1, at + 1);
        }
        part += 1;
    }
    places
};

const fn hash(mut name: &[u8]) -> usize {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    while let Some((byte, rest)) = name.split_first() {
        hash = (hash ^ *byte as u64).wrapping_mul(0x100_0000_01b3);
        name = rest;
    }
    (hash >> 20) as usize % PLACES
}

/// The entry point of that name and its index.
pub fn find(name: &CStr) -> Option<(usize, &'static Entry)> {
    let start = hash(name.to_bytes());
    for step in 0..PLACES {
        let place = *PLACE_OF.get((start + step) % PLACES)?;
        let index = usize::from(place).checked_sub(1)?;
        let entry = *ALL.get(index)?;
        if entry.name == name {
            return Some((index, entry));
        }
    }
    None
}

/// What entry points lead to in this process.
struct Hooks;

impl Wiring for Hooks {
    fn entries(&self) -> &'static [&'static Entry] {
        &ALL
    }

    fn target(&self, entry: &'static Entry, real: *mut ()) -> *mut () {
        match entry.kind {
            Kind::Hooked { thunk: Some(thunk) } if client::init().hooks_bodies() => {
                thunk.cast_mut()
            }
            _ => real,
        }
    }

    fn calls(&self, index: usize) -> Option<&'static AtomicU64> {
        client::init().tally()?.calls(index)
    }

    fn before_loading(&self) {
        client::init().ask_for_share();
    }

    fn asked(&self, name: &CStr) -> Option<&'static AtomicU64> {
        client::init().tally()?.asked(find(name)?.0)
    }
}

/// Loads the library and wires its entry points, whether it is there or not: one of them was called.
pub fn open(library: Library) {
    match library {
        Library::Cuda => {
            missing::say(&open_cuda(Asked { name: None, caller: core::ptr::null() }));
        }
        Library::Nvml => drop(open_nvml(None)),
    }
}

/// Loads the real driver, or says why what there is will not do.
pub fn open_cuda(asked: Asked) -> Outcome {
    let _here = process::NotCancelled::new();
    let outcome = load::cuda(asked, &Hooks);
    if let (Outcome::Broken(_), Some(path)) = (&outcome, find_driver::told()) {
        client::init();
        log::error(
            log::Topic::Driver,
            format_args!(
                "CUOTA_DRIVER={path:?} cannot be loaded as the CUDA driver, so there is none for this process: name the real libcuda.so.1, or unset it to have it searched for"
            ),
        );
    }
    outcome
}

/// Wires NVML's rows to the library behind `handle`.
pub fn open_nvml(handle: Option<*mut core::ffi::c_void>) -> bool {
    let _here = process::NotCancelled::new();
    load::nvml(handle, &Hooks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        for (index, entry) in ALL.iter().enumerate() {
            assert_eq!(find(entry.name).map(|(at, _)| at), Some(index), "{:?}", entry.name);
        }
        assert!(find(c"cuNoSuchThing").is_none());
        assert!(find(c"").is_none());
    }
}
