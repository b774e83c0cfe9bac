//! Who may touch a mapping.

use super::handle::Physical;
use super::map;
use crate::api::{Call, E, R, given, put, take, take_many};
use crate::device;
use crate::memory::abi::{self, AccessDesc, Location};
use crate::memory::block::Place;
use crate::memory::range::{self, Kind};
use crate::memory::reach::Use;
use crate::memory::window::Va;
use cudarc::driver::sys::{CUdeviceptr, CUmemAccessDesc, CUmemLocation};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const NONE: u32 = 0;
const READ: u32 = 1;
const READ_WRITE: u32 = 3;

/// A mapping: its memory, and the rights given to it. None at first.
pub struct Access {
    pub physical: Arc<Physical>,
    va: Arc<Va>,
    base: usize,
    len: usize,
    rights: Mutex<Vec<(Location, u32)>>,
}

impl Access {
    pub fn new(physical: Arc<Physical>, va: Arc<Va>, base: usize, len: usize) -> Access {
        Access { physical, va, base, len, rights: Mutex::default() }
    }

    pub fn allows(&self, use_: Use) -> bool {
        self.rights().iter().any(|(_, flags)| match use_ {
            Use::Read => flags & READ != 0,
            Use::Write => *flags == READ_WRITE,
        })
    }

    /// What a location may do.
    pub fn right(&self, location: Location) -> u32 {
        let rights = self.rights();
        let found = rights.iter().find(|(known, _)| *known == location);
        found.map_or(NONE, |(_, flags)| *flags)
    }

    fn rights(&self) -> MutexGuard<'_, Vec<(Location, u32)>> {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, location: Location, flags: u32) -> R {
        if location.kind != abi::DEVICE {
            self.set_host(flags)?;
        }
        let mut rights = self.rights();
        rights.retain(|(known, _)| *known != location);
        if flags != NONE {
            rights.push((location, flags));
        }
        Ok(())
    }

    /// The host follows the addresses themselves, so its rights are those of the pages.
    fn set_host(&self, flags: u32) -> R {
        if flags == NONE {
            return self.va.hide(self.base, self.len);
        }
        let (file, start) = self.physical.block.source();
        self.va.expose(self.base, self.len, file, start, flags == READ_WRITE)
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        if self.rights().iter().any(|(location, _)| location.kind != abi::DEVICE) {
            // What stays visible is the block's file, which nobody uses any more.
            let _ = self.va.hide(self.base, self.len);
        }
    }
}

fn check(access: &AccessDesc, place: Place) -> R {
    if !matches!(access.flags, NONE | READ | READ_WRITE) {
        return Err(E::INVALID_VALUE);
    }
    match access.location.kind {
        abi::DEVICE => device::of(access.location.id).map(drop),
        abi::HOST | abi::HOST_NUMA if place == Place::Host => Ok(()),
        _ => Err(E::INVALID_VALUE),
    }
}

pub fn set_access(
    _: &Call,
    address: CUdeviceptr,
    bytes: usize,
    list: *const CUmemAccessDesc,
    count: usize,
) -> R {
    let list = take_many(list.cast::<AccessDesc>(), count)?;
    if list.is_empty() {
        return Err(E::INVALID_VALUE);
    }
    let ranges = map::whole(address, bytes)?;
    let mappings = || {
        ranges.iter().filter_map(|range| match &range.kind {
            Kind::Mapping(access) => Some(access),
            _ => None,
        })
    };
    for mapping in mappings() {
        list.iter().try_for_each(|access| check(access, mapping.physical.block.place))?;
    }
    for mapping in mappings() {
        list.iter().try_for_each(|access| mapping.set(access.location, access.flags))?;
    }
    Ok(())
}

pub fn get_access(
    _: &Call,
    out: *mut u64,
    location: *const CUmemLocation,
    address: CUdeviceptr,
) -> R {
    given(out)?;
    let location = take(location.cast::<Location>())?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    match &range.kind {
        Kind::Mapping(access) => put(out, access.right(location).into()),
        _ => Err(E::INVALID_VALUE),
    }
}
