//! What the program said it will do with managed memory, and what it may ask about that.
//!
//! Kept per allocation: advice for a part counts for the whole.

use super::{Kind, Managed, of_device, place, spanned};
use crate::api::{Call, E, R, given, take_many};
use crate::memory::abi::{self, Location};
use crate::memory::range::Range;
use cudarc::driver::sys::{CUdevice, CUdeviceptr};
use std::collections::BTreeSet;
use std::ffi::{c_uint, c_void};
use std::sync::{Arc, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Advice {
    read_mostly: bool,
    preferred: Option<Location>,
    accessed_by: BTreeSet<i32>,
    pub prefetched: Option<Location>,
}

impl Managed {
    pub fn advice(&self) -> MutexGuard<'_, Advice> {
        self.advice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn advise(
    call: &Call,
    address: CUdeviceptr,
    count: usize,
    advice: c_uint,
    device: CUdevice,
) -> R {
    set(call, address, count, advice, of_device(device))
}

pub fn advise_v2(
    call: &Call,
    address: CUdeviceptr,
    count: usize,
    advice: c_uint,
    to: Location,
) -> R {
    set(call, address, count, advice, to)
}

fn set(call: &Call, address: CUdeviceptr, count: usize, advice: c_uint, location: Location) -> R {
    call.ctx()?;
    let ranges = spanned(address, count)?;
    // Read-mostly advice has no location; every other names one that exists.
    if !matches!(advice, 1 | 2 | 4) {
        place(location)?;
    }
    for range in &ranges {
        let Kind::Managed(managed) = &range.kind else { continue };
        let mut known = managed.advice();
        match advice {
            1 => known.read_mostly = true,
            2 => known.read_mostly = false,
            3 => known.preferred = Some(location),
            4 => known.preferred = None,
            5 => drop(known.accessed_by.insert(ordinal(location))),
            6 => drop(known.accessed_by.remove(&ordinal(location))),
            _ => return Err(E::INVALID_VALUE),
        }
    }
    Ok(())
}

const CPU: i32 = -1;
const INVALID: i32 = -2;

fn ordinal(location: Location) -> i32 {
    if location.kind == abi::DEVICE { location.id } else { CPU }
}

pub fn range_attribute(
    call: &Call,
    data: *mut c_void,
    size: usize,
    attribute: c_uint,
    address: CUdeviceptr,
    count: usize,
) -> R {
    given(data)?;
    call.ctx()?;
    answer(data, size, attribute, &spanned(address, count)?)
}

pub fn range_attributes(
    call: &Call,
    data: *mut *mut c_void,
    sizes: *mut usize,
    attributes: *mut c_uint,
    wanted: usize,
    address: CUdeviceptr,
    count: usize,
) -> R {
    call.ctx()?;
    if wanted == 0 {
        return Err(E::INVALID_VALUE);
    }
    let (data, sizes) = (take_many(data, wanted)?, take_many(sizes, wanted)?);
    let ranges = spanned(address, count)?;
    let questions = take_many(attributes, wanted)?.into_iter().zip(data).zip(sizes);
    for ((attribute, data), size) in questions {
        given(data)?;
        answer(data, size, attribute, &ranges)?;
    }
    Ok(())
}

fn answer(data: *mut c_void, size: usize, attribute: c_uint, ranges: &[Arc<Range>]) -> R {
    let words = if attribute == ACCESSED_BY { size / 4 } else { 1 };
    if words == 0 || !size.is_multiple_of(4) || (attribute != ACCESSED_BY && size != 4) {
        return Err(E::INVALID_VALUE);
    }
    let mut answers = ranges.iter().map(|range| match &range.kind {
        Kind::Managed(managed) => managed.advice().tell(attribute, words),
        _ => Err(E::INVALID_VALUE),
    });
    let first = answers.next().ok_or(E::INVALID_VALUE)??;
    let agreed = answers.try_fold(true, |agreed, next| Ok(agreed && next? == first))?;
    let unknown = vec![if attribute == READ_MOSTLY { 0 } else { INVALID }; words];
    for (index, word) in (if agreed { first } else { unknown }).into_iter().enumerate() {
        // SAFETY: `words` four-byte words fit the size the caller says the buffer has.
        unsafe { data.cast::<i32>().add(index).write_unaligned(word) };
    }
    Ok(())
}

const READ_MOSTLY: u32 = 1;
const ACCESSED_BY: u32 = 3;

impl Advice {
    fn tell(&self, attribute: u32, words: usize) -> Result<Vec<i32>, E> {
        let device = |place: Option<Location>| place.map_or(INVALID, ordinal);
        let kind = |place: Option<Location>| place.map_or(0, |place| place.kind as i32);
        let id = |place: Option<Location>| place.map_or(INVALID, |place| place.id);
        Ok(vec![match attribute {
            READ_MOSTLY => self.read_mostly.into(),
            2 => device(self.preferred),
            ACCESSED_BY => {
                let known = self.accessed_by.iter().copied();
                return Ok(known.chain(std::iter::repeat(INVALID)).take(words).collect());
            }
            4 => device(self.prefetched),
            5 => kind(self.preferred),
            6 => id(self.preferred),
            7 => kind(self.prefetched),
            8 => id(self.prefetched),
            _ => return Err(E::INVALID_VALUE),
        }])
    }
}
