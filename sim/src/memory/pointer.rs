//! What the driver knows about an address.

use super::abi::MANAGED;
use super::block::Place;
use super::range::{self, Backing, Kind, Range};
use crate::api::{Call, E, R, given, put, take, take_many};
use cudarc::driver::sys::CUdeviceptr;
use std::ffi::{c_int, c_uint, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering;

const MEMORY_HOST: c_uint = 1;
const MEMORY_DEVICE: c_uint = 2;
const SYNC_MEMOPS: u32 = 6;
const READ_WRITE: c_uint = 3;

/// One answer, of the size its attribute has.
enum Answer {
    Int(c_uint),
    Long(u64),
}

impl Answer {
    fn put(self, to: *mut c_void) -> R {
        match self {
            Answer::Int(value) => put(to.cast(), value),
            Answer::Long(value) => put(to.cast(), value),
        }
    }
}

/// What a known range answers; `None` where the question makes no sense for it.
fn tell(range: &Range, attribute: u32, address: u64) -> Result<Option<Answer>, E> {
    let managed = is_managed(range);
    let on_host = is_of_host(range) && !managed;
    let flag = |value: bool| Some(Answer::Int(value.into()));
    let long = |value: usize| Some(Answer::Long(value as u64));
    Ok(match attribute {
        1 => long(range.owner.context),
        2 => Some(Answer::Int(if on_host { MEMORY_HOST } else { MEMORY_DEVICE })),
        3 => Some(Answer::Long(address)),
        4 => is_of_host(range).then_some(Answer::Long(address)),
        SYNC_MEMOPS => flag(range.sync_memops.load(Ordering::Acquire)),
        7 => Some(Answer::Long(range.id)),
        8 => flag(managed),
        9 => Some(Answer::Int(range.owner.device as c_uint)),
        10 => flag(matches!(range.kind, Kind::Plain)),
        11 => long(range.base),
        12 => long(range.len),
        13 => flag(true),
        14 => Some(Answer::Long(handle_types(range))),
        15 => flag(!on_host && !managed),
        16 => Some(Answer::Int(access(range))),
        17 => match &range.kind {
            Kind::Pool(pool) => long(pool.handle),
            _ => long(0),
        },
        18 => long(mapping(range).1),
        19 => long(mapping(range).0),
        20 => long(block(range)),
        21 | 22 => flag(false),
        _ => return Err(E::INVALID_VALUE),
    })
}

fn is_managed(range: &Range) -> bool {
    match &range.kind {
        Kind::Managed(_) => true,
        Kind::Pool(pool) => pool.props.kind == MANAGED,
        _ => false,
    }
}

fn is_of_host(range: &Range) -> bool {
    match &range.kind {
        Kind::Mapping(access) => access.physical.block.place == Place::Host,
        _ => range.on_host(),
    }
}

fn handle_types(range: &Range) -> u64 {
    match &range.kind {
        Kind::Mapping(access) => access.physical.props.handle_types.into(),
        Kind::Pool(pool) => pool.props.handle_types.into(),
        _ => 0,
    }
}

fn access(range: &Range) -> c_uint {
    match &range.kind {
        Kind::Mapping(access) => access.right(access.physical.props.location),
        _ => READ_WRITE,
    }
}

fn mapping(range: &Range) -> (usize, usize) {
    match &range.backing {
        Backing::Piece(piece) => piece.mapping(),
        _ => (range.base, range.len),
    }
}

fn block(range: &Range) -> usize {
    match &range.backing {
        Backing::Piece(piece) => piece.block().0.id as usize,
        Backing::Block { block, .. } => block.id as usize,
        Backing::Changing { .. } | Backing::Host { .. } => range.id as usize,
    }
}

pub fn get(call: &Call, out: *mut c_void, attribute: c_uint, address: CUdeviceptr) -> R {
    given(out)?;
    call.ctx()?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    tell(&range, attribute, address)?.ok_or(E::INVALID_VALUE)?.put(out)
}

/// As several questions; of an unknown address everything is zero.
pub fn get_many(
    call: &Call,
    count: c_uint,
    attributes: *mut c_uint,
    out: *mut *mut c_void,
    address: CUdeviceptr,
) -> R {
    call.ctx()?;
    if count == 0 {
        return Err(E::INVALID_VALUE);
    }
    let attributes = take_many(attributes, count as usize)?;
    let outs = take_many(out, count as usize)?;
    outs.iter().try_for_each(|out| given(*out))?;
    let range = range::find(address as usize);
    for (attribute, out) in attributes.into_iter().zip(outs) {
        let told = match &range {
            Some(range) => tell(range, attribute, address)?,
            None => None,
        };
        told.map_or_else(|| nothing(attribute), Ok)?.put(out)?;
    }
    Ok(())
}

/// The zero of an attribute's size; no device is -2.
fn nothing(attribute: u32) -> Result<Answer, E> {
    const NO_DEVICE: c_int = -2;
    Ok(match attribute {
        9 => Answer::Int(NO_DEVICE as c_uint),
        2 | SYNC_MEMOPS | 8 | 10 | 13 | 15 | 16 | 21 | 22 => Answer::Int(0),
        1 | 3 | 4 | 7 | 11 | 12 | 14 | 17..=20 => Answer::Long(0),
        _ => return Err(E::INVALID_VALUE),
    })
}

pub fn set(call: &Call, value: *const c_void, attribute: c_uint, address: CUdeviceptr) -> R {
    given(value)?;
    call.ctx()?;
    let range: Arc<Range> = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    if attribute != SYNC_MEMOPS {
        return Err(E::INVALID_VALUE);
    }
    range.sync_memops.store(take(value.cast::<c_uint>())? != 0, Ordering::Release);
    Ok(())
}
