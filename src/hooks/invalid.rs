//! Requests that the driver refuses for their arguments, whatever room there is. They are looked at only where
//! there is none: then the answer is the driver's, and no refusal of the quota's.
#![forbid(unsafe_code)]

use core::ffi::{c_uint, c_ulonglong};

use cudarc::driver::sys::CUmemAllocationProp;

use super::gone::knows_none;
use super::real::Real;
use crate::driver::{Status, query};

/// What is asked for, as far as it may be no good.
pub enum Asked {
    Linear,
    Pitched { pitch: *mut usize, element: c_uint },
    Managed { flags: c_uint },
    Physical { bytes: usize, props: *const CUmemAllocationProp, flags: c_ulonglong },
    Pooled { pool: u64, stream: u64 },
}

impl Asked {
    /// Only what is certain: the driver is asked without room for what it may give.
    fn is_invalid(&self) -> bool {
        match *self {
            Asked::Linear => false,
            Asked::Pitched { pitch, element } => pitch.is_null() || !matches!(element, 4 | 8 | 16),
            Asked::Managed { flags } => !matches!(flags, 1 | 2),
            Asked::Physical { bytes, props, flags } => flags != 0 || is_ragged(bytes, props),
            Asked::Pooled { pool, stream } => is_no_pool(pool) || is_no_stream(stream),
        }
    }
}

/// The driver's answer to a request that is no good, or is for nobody.
#[cold]
pub fn answer<T>(real: &Real, out: *mut T, asked: Asked) -> Option<Status> {
    (out.is_null() || asked.is_invalid()).then(|| real.call())
}

fn is_ragged(bytes: usize, props: *const CUmemAllocationProp) -> bool {
    const MINIMUM: u32 = 0;
    let mut grain = 0;
    let said = query::cuMemGetAllocationGranularity(&mut grain, props.cast(), MINIMUM).ok();
    said && grain > 0 && !bytes.is_multiple_of(grain)
}

pub fn is_no_pool(handle: u64) -> bool {
    const RESERVED: u32 = 5;
    knows_none(query::cuMemPoolGetAttribute(handle, RESERVED, &mut 0))
}

fn is_no_stream(handle: u64) -> bool {
    knows_none(query::cuStreamIsCapturing(handle, &mut 0))
}
