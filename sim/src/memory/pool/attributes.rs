//! What can be asked of a pool and set in it.

use super::named;
use crate::api::{Call, E, R, given, put, take};
use cudarc::driver::sys::CUmemoryPool;
use std::ffi::{c_int, c_uint, c_void};

const RELEASE_THRESHOLD: u32 = 4;
const RESERVED_NOW: u32 = 5;
const RESERVED_HIGH: u32 = 6;
const USED_NOW: u32 = 7;
const USED_HIGH: u32 = 8;

pub fn get_attribute(_: &Call, pool: CUmemoryPool, attribute: c_uint, value: *mut c_void) -> R {
    given(value)?;
    let pool = named(pool)?;
    let state = pool.state();
    let long = |figure: u64| put(value.cast::<u64>(), figure);
    let short = |figure: c_int| put(value.cast::<c_int>(), figure);
    match attribute {
        1..=3 => short(state.reuse[attribute as usize - 1].into()),
        RELEASE_THRESHOLD => long(state.threshold),
        RESERVED_NOW => long(state.reserved.now as u64),
        RESERVED_HIGH => long(state.reserved.high as u64),
        USED_NOW => long(state.used.now as u64),
        USED_HIGH => long(state.used.high as u64),
        9 => short(pool.props.kind as c_int),
        10 => short(pool.props.handle_types as c_int),
        11 => short(pool.props.location.id),
        12 => short(pool.props.location.kind as c_int),
        13 => long(pool.props.max_size as u64),
        14 | 15 => short(0),
        _ => Err(E::INVALID_VALUE),
    }
}

pub fn set_attribute(_: &Call, pool: CUmemoryPool, attribute: c_uint, value: *mut c_void) -> R {
    given(value)?;
    let pool = named(pool)?;
    let mut state = pool.state();
    match attribute {
        1..=3 => state.reuse[attribute as usize - 1] = take(value.cast::<c_int>())? != 0,
        RELEASE_THRESHOLD => state.threshold = take(value.cast::<u64>())?,
        RESERVED_HIGH | USED_HIGH => {
            // High marks can only be reset.
            if take(value.cast::<u64>())? != 0 {
                return Err(E::INVALID_VALUE);
            }
            let level = if attribute == USED_HIGH { &mut state.used } else { &mut state.reserved };
            level.high = level.now;
        }
        _ => return Err(E::INVALID_VALUE),
    }
    Ok(())
}

pub fn trim_to(_: &Call, pool: CUmemoryPool, keep: usize) -> R {
    named(pool)?.state().trim(keep);
    Ok(())
}
