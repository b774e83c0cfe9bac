//! SMs as something to divide: device resources, their splits and descriptors.

use std::ffi::c_uint;
use std::sync::Arc;

use cudarc::driver::sys::{CUcontext, CUdevResource, CUdevResourceDesc, CUdevice};

use super::named_or_current;
use crate::api::{Call, E, R, given, put, put_opt, take, take_many};
use crate::device;
use crate::handles::Table;
use crate::mps;

/// As `CUdevResource` lays it out, with every word a plain number.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Resource {
    kind: u32,
    /// Ours: which SMs these are, and that this driver made it.
    first: u32,
    mark: u32,
    device: u32,
    unused: [u32; 20],
    sms: u32,
    least: u32,
    step: u32,
    flags: u32,
    tail: [u32; 8],
}

const _: () = assert!(size_of::<Resource>() == size_of::<CUdevResource>());

const SM: u32 = 1;
const MARK: u32 = 0x51d5_0001;
/// A part made by a split: it can be used, not split again.
const MARK_SPLIT: u32 = 0x51d5_0002;

const IGNORE_COSCHEDULING: c_uint = 1;
const SPLIT_FLAGS: c_uint = 3;

/// Fewest SMs of a part, and the step its size grows by.
fn granularity(capability: (u32, u32), flags: c_uint) -> (u32, u32) {
    match capability.0 {
        9.. if flags & IGNORE_COSCHEDULING == 0 => (8, 8),
        8 if flags & IGNORE_COSCHEDULING == 0 => (4, 2),
        _ => (2, 2),
    }
}

impl Resource {
    pub(super) fn new(device: &device::Device, first: u32, sms: u32) -> Resource {
        let (least, step) = granularity(device.card.capability, 0);
        Resource {
            kind: SM,
            first,
            mark: MARK,
            device: device.ordinal as u32,
            unused: [0; 20],
            sms,
            least,
            step,
            flags: 0,
            tail: [0; 8],
        }
    }

    fn part(&self, first: u32, sms: u32) -> Resource {
        let kind = if sms == 0 { 0 } else { SM };
        Resource { kind, mark: MARK_SPLIT, first, sms, ..*self }
    }

    /// One that this driver gave out.
    fn taken(from: *const CUdevResource) -> Result<Resource, E> {
        let resource: Resource = take(from.cast())?;
        match (resource.kind, resource.mark) {
            (SM, MARK | MARK_SPLIT) => Ok(resource),
            (SM, _) => Err(E::INVALID_RESOURCE_CONFIGURATION),
            _ => Err(E::INVALID_RESOURCE_TYPE),
        }
    }
}

/// What a descriptor describes.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub device: CUdevice,
    pub first: u32,
    pub sms: u32,
}

static DESCRIPTORS: Table<Share> = Table::new(2);

pub(super) fn described(desc: CUdevResourceDesc) -> Result<Share, E> {
    DESCRIPTORS.get(desc as usize).map(|share| *share).ok_or(E::INVALID_RESOURCE_CONFIGURATION)
}

pub(super) fn give(
    out: *mut CUdevResource,
    kind: c_uint,
    device: &device::Device,
    first: u32,
    sms: u32,
) -> R {
    given(out)?;
    if kind != SM {
        return Err(E::INVALID_RESOURCE_TYPE);
    }
    put(out.cast(), Resource::new(device, first, sms))
}

pub fn of_device(_: &Call, on: CUdevice, out: *mut CUdevResource, kind: c_uint) -> R {
    let device = device::of(on)?;
    give(out, kind, device, 0, mps::granted(&device.card))
}

pub fn of_context(_: &Call, handle: CUcontext, out: *mut CUdevResource, kind: c_uint) -> R {
    let context = named_or_current(handle)?;
    context.check()?;
    give(out, kind, context.device, 0, context.sms)
}

/// Equal parts of at least `least` SMs; without a result, how many there would be.
pub fn split_by_count(
    _: &Call,
    result: *mut CUdevResource,
    count: *mut c_uint,
    input: *const CUdevResource,
    rest: *mut CUdevResource,
    flags: c_uint,
    least: c_uint,
) -> R {
    let wanted = take(count)?;
    let whole = Resource::taken(input)?;
    if flags & !SPLIT_FLAGS != 0 || least > whole.sms {
        return Err(E::INVALID_VALUE);
    }
    if whole.mark == MARK_SPLIT {
        return Err(E::INVALID_RESOURCE_CONFIGURATION);
    }
    let device = device::of(whole.device as CUdevice)?;
    let (smallest, step) = granularity(device.card.capability, flags);
    let each = least.max(smallest).next_multiple_of(step);
    let possible = whole.sms / each;
    if result.is_null() {
        return put(count, possible);
    }
    let parts = wanted.min(possible);
    if parts == 0 {
        return Err(E::INVALID_RESOURCE_CONFIGURATION);
    }
    for part in 0..parts {
        // SAFETY: the caller's array has room for the `wanted` parts it asked for.
        let place = unsafe { result.add(part as usize) };
        put(place.cast(), whole.part(whole.first + part * each, each))?;
    }
    let used = parts * each;
    put_opt(rest.cast(), whole.part(whole.first + used, whole.sms - used));
    put(count, parts)
}

/// One descriptor for adjoining parts of one device.
pub fn describe(
    _: &Call,
    out: *mut CUdevResourceDesc,
    resources: *mut CUdevResource,
    count: c_uint,
) -> R {
    given(out)?;
    if count == 0 {
        return Err(E::INVALID_VALUE);
    }
    let parts = take_many(resources.cast::<Resource>().cast_const(), count as usize)?;
    for part in &parts {
        Resource::taken((&raw const *part).cast())?;
    }
    let first = parts[0];
    if parts.iter().any(|part| part.device != first.device) {
        return Err(E::INVALID_RESOURCE_CONFIGURATION);
    }
    let share = Share {
        device: first.device as CUdevice,
        first: first.first,
        sms: parts.iter().map(|part| part.sms).sum(),
    };
    put(out, DESCRIPTORS.insert(Arc::new(share)) as CUdevResourceDesc)
}
