//! Which devices may use a pool's memory.

use super::named;
use crate::api::{Call, E, R, given, put, take, take_many};
use crate::device;
use crate::memory::abi::{self, AccessDesc, Location};
use cudarc::driver::sys::{CUmemAccessDesc, CUmemLocation, CUmemoryPool};
use std::ffi::c_uint;

const NONE: u32 = 0;
const READ_WRITE: u32 = 3;

pub fn set_access(_: &Call, pool: CUmemoryPool, map: *const CUmemAccessDesc, count: usize) -> R {
    let pool = named(pool)?;
    let wanted = take_many(map.cast::<AccessDesc>(), count)?;
    for access in &wanted {
        let own = access.location == pool.props.location;
        let known = access.location.kind == abi::DEVICE && device::of(access.location.id).is_ok();
        let kept = !own || access.flags == READ_WRITE;
        if !known || !kept || !matches!(access.flags, NONE | READ_WRITE) {
            return Err(E::INVALID_VALUE);
        }
    }
    let mut state = pool.state();
    for access in wanted {
        state.access.retain(|(device, _)| *device != access.location.id);
        state.access.push((access.location.id, access.flags));
    }
    Ok(())
}

pub fn get_access(
    _: &Call,
    out: *mut c_uint,
    pool: CUmemoryPool,
    location: *mut CUmemLocation,
) -> R {
    given(out)?;
    let pool = named(pool)?;
    let location = take(location.cast::<Location>())?;
    if location == pool.props.location {
        return put(out, READ_WRITE);
    }
    if location.kind != abi::DEVICE || device::of(location.id).is_err() {
        return Err(E::INVALID_VALUE);
    }
    let state = pool.state();
    let granted = state.access.iter().find(|(device, _)| *device == location.id);
    put(out, granted.map_or(NONE, |(_, flags)| *flags))
}
