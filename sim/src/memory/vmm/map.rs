//! Putting physical memory under reserved addresses, and taking it away.

use super::access::Access;
use super::{handle, is_granular, reserve};
use crate::api::{Call, E, R};
use crate::memory::block::Place;
use crate::memory::range::{self, Backing, Kind, Owner, Range};
use cudarc::driver::sys::{CUdeviceptr, CUmemGenericAllocationHandle};
use std::sync::{Arc, Mutex};

/// Two threads may not change what lies under the same addresses at once.
pub(super) static CHANGE: Mutex<()> = Mutex::new(());

pub fn map(
    _: &Call,
    address: CUdeviceptr,
    bytes: usize,
    offset: usize,
    handle: CUmemGenericAllocationHandle,
    flags: u64,
) -> R {
    let base = address as usize;
    let physical = handle::named(handle)?;
    let fits =
        bytes != 0 && is_granular(bytes) && is_granular(base) && bytes <= physical.block.bytes;
    // The API allows no offset yet.
    if !fits || offset != 0 || flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let _change = CHANGE.lock();
    let va = reserve::around(base, bytes).ok_or(E::INVALID_VALUE)?;
    let before = base.checked_sub(1).and_then(range::find);
    let overlap = before.is_some_and(|range| range.end() > base);
    if overlap || !range::between(base, base + bytes).is_empty() {
        return Err(E::INVALID_VALUE);
    }
    let location = physical.props.location;
    let owner = match physical.block.place {
        Place::Card(_) => Owner::device(location.id & 0xff),
        Place::Host => Owner::default(),
    };
    let backing =
        Backing::Block { block: physical.block.clone(), offset: 0, _va: Some(va.clone()) };
    let access = Access::new(physical, va, base, bytes);
    range::insert(Range::new(base, bytes, Kind::Mapping(access), owner, backing));
    Ok(())
}

/// One or more whole mappings, without gaps.
pub fn unmap(_: &Call, address: CUdeviceptr, bytes: usize) -> R {
    let _change = CHANGE.lock();
    for range in whole(address, bytes)? {
        range::remove(range.base, |range| matches!(range.kind, Kind::Mapping(_)));
    }
    Ok(())
}

/// The mappings that together are exactly these addresses.
pub(super) fn whole(address: CUdeviceptr, bytes: usize) -> Result<Vec<Arc<Range>>, E> {
    let start = address as usize;
    let end = start.checked_add(bytes).filter(|_| bytes > 0).ok_or(E::INVALID_VALUE)?;
    let found = range::between(start, end);
    let mappings = found.iter().all(|range| matches!(range.kind, Kind::Mapping(_)));
    let reached = found.iter().try_fold(start, |at, range| (range.base == at).then(|| range.end()));
    if mappings && reached == Some(end) { Ok(found) } else { Err(E::INVALID_VALUE) }
}
