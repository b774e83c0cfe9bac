//! What two devices can do for each other.

use std::ffi::{c_int, c_uint};

use cudarc::driver::sys::CUdevice;

use super::of;
use super::queries::no_atomics;
use crate::api::{Call, E, R, given, put};

/// Every card of the machine reaches every other.
pub fn can_access_peer(_: &Call, out: *mut c_int, device: CUdevice, peer: CUdevice) -> R {
    given(out)?;
    let differ = of(device)?.ordinal != of(peer)?.ordinal;
    put(out, differ.into())
}

const PERFORMANCE_RANK: c_uint = 1;
const ACCESS_SUPPORTED: c_uint = 2;
const NATIVE_ATOMIC_SUPPORTED: c_uint = 3;
const ARRAY_ACCESS_SUPPORTED: c_uint = 4;
const ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED: c_uint = 5;

pub fn p2p_attribute(
    _: &Call,
    out: *mut c_int,
    attribute: c_uint,
    from: CUdevice,
    to: CUdevice,
) -> R {
    given(out)?;
    if of(from)?.ordinal == of(to)?.ordinal {
        return Err(E::INVALID_DEVICE);
    }
    let value = match attribute {
        ACCESS_SUPPORTED | NATIVE_ATOMIC_SUPPORTED | ARRAY_ACCESS_SUPPORTED => 1,
        PERFORMANCE_RANK | ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED => 0,
        _ => return Err(E::INVALID_VALUE),
    };
    put(out, value)
}

pub fn p2p_atomics(
    _: &Call,
    out: *mut c_uint,
    operations: *const c_uint,
    count: c_uint,
    from: CUdevice,
    to: CUdevice,
) -> R {
    if of(from)?.ordinal == of(to)?.ordinal {
        return Err(E::INVALID_DEVICE);
    }
    no_atomics(out, operations, count)
}
