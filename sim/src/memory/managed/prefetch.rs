//! Moving managed memory ahead of its use, in a stream's turn.

use super::{Kind, of_device, place, spanned};
use crate::api::{Call, E, R, take_many};
use crate::memory::abi::Location;
use crate::memory::order;
use crate::memory::range::Range;
use cudarc::driver::sys::{CUdevice, CUdeviceptr, CUstream};
use std::ffi::c_uint;
use std::sync::Arc;

pub fn prefetch(
    call: &Call,
    address: CUdeviceptr,
    count: usize,
    device: CUdevice,
    stream: CUstream,
) -> R {
    to(call, address, count, of_device(device), stream)
}

pub fn prefetch_v2(
    call: &Call,
    address: CUdeviceptr,
    count: usize,
    location: Location,
    flags: c_uint,
    stream: CUstream,
) -> R {
    if flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    to(call, address, count, location, stream)
}

fn to(call: &Call, address: CUdeviceptr, count: usize, location: Location, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    let ranges = spanned(address, count)?;
    let card = place(location)?;
    let whole = ranges.len() > 1;
    order::run(call, &ctx, stream, move || {
        for range in &ranges {
            let bytes = if whole { range.len } else { count };
            go(range, card, bytes, location);
        }
    })
}

fn go(range: &Arc<Range>, card: Option<usize>, bytes: usize, location: Location) {
    if let Kind::Managed(managed) = &range.kind {
        match card {
            Some(card) => managed.move_in(card, bytes as u64),
            None => managed.move_out(None),
        }
        managed.advice().prefetched = Some(location);
    }
}

pub fn prefetch_batch(
    call: &Call,
    addresses: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    locations: *mut Location,
    firsts: *mut usize,
    kinds: usize,
    flags: u64,
    stream: CUstream,
) -> R {
    call.ctx()?;
    let (addresses, sizes) = (take_many(addresses, count)?, take_many(sizes, count)?);
    let locations = take_many(locations, kinds)?;
    let firsts = take_many(firsts, kinds)?;
    let ascending = firsts.windows(2).all(|pair| pair[0] < pair[1]);
    if flags != 0 || count == 0 || kinds == 0 || kinds > count || firsts[0] != 0 || !ascending {
        return Err(E::INVALID_VALUE);
    }
    for (index, (address, size)) in addresses.into_iter().zip(sizes).enumerate() {
        let group = firsts.partition_point(|first| *first <= index) - 1;
        to(call, address, size, locations[group], stream)?;
    }
    Ok(())
}

/// The contents may go; the simulator keeps them, which is one of the allowed outcomes.
pub fn discard_batch(
    call: &Call,
    addresses: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    flags: u64,
    stream: CUstream,
) -> R {
    let ctx = call.ctx()?;
    let (addresses, sizes) = (take_many(addresses, count)?, take_many(sizes, count)?);
    if flags != 0 || count == 0 {
        return Err(E::INVALID_VALUE);
    }
    for (address, size) in addresses.into_iter().zip(sizes) {
        spanned(address, size)?;
    }
    order::run(call, &ctx, stream, || {})
}

pub fn discard_and_prefetch_batch(
    call: &Call,
    addresses: *mut CUdeviceptr,
    sizes: *mut usize,
    count: usize,
    locations: *mut Location,
    firsts: *mut usize,
    kinds: usize,
    flags: u64,
    stream: CUstream,
) -> R {
    prefetch_batch(call, addresses, sizes, count, locations, firsts, kinds, flags, stream)
}
