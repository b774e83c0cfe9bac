//! Attributes of streams.

use std::collections::BTreeMap;
use std::ffi::c_uint;

use cudarc::driver::sys::CUstream;

use super::graph::AttributeValue;
use super::locked;
use super::stream::{Stream, named};
use crate::api::{Call, E, R, given, put, take};

/// Values set by the program; what is not set is zero.
#[derive(Default)]
pub struct Attributes(BTreeMap<c_uint, AttributeValue>);

const ACCESS_POLICY: c_uint = 1;
const SYNC_POLICY: c_uint = 3;
const PRIORITY: c_uint = 8;
const MEMORY_DOMAIN_MAP: c_uint = 9;
const MEMORY_DOMAIN: c_uint = 10;

/// `CUstreamAttrID`, as far as they concern streams.
fn known(attribute: c_uint) -> R {
    match attribute {
        ACCESS_POLICY | SYNC_POLICY | PRIORITY | MEMORY_DOMAIN_MAP | MEMORY_DOMAIN => Ok(()),
        _ => Err(E::INVALID_VALUE),
    }
}

pub fn get(call: &Call, stream: CUstream, attribute: c_uint, out: *mut AttributeValue) -> R {
    given(out)?;
    known(attribute)?;
    let stream = named(call, stream)?;
    put(out, stream.attribute(attribute))
}

pub fn set(call: &Call, stream: CUstream, attribute: c_uint, value: *const AttributeValue) -> R {
    let value = take(value)?;
    known(attribute)?;
    let stream = named(call, stream)?;
    // Of the synchronisation policies 1 to 4 exist; a stream's priority is settled when it is made.
    let allowed = match attribute {
        SYNC_POLICY => (1..=4).contains(&(value[0] as u32)),
        PRIORITY => value[0] as i32 == stream.priority,
        _ => true,
    };
    if !allowed {
        return Err(E::INVALID_VALUE);
    }
    locked(&stream.attributes).0.insert(attribute, value);
    Ok(())
}

pub fn copy(call: &Call, to: CUstream, from: CUstream) -> R {
    let (to, from) = (named(call, to)?, named(call, from)?);
    if to.ctx.id != from.ctx.id {
        return Err(E::INVALID_VALUE);
    }
    let values = locked(&from.attributes).0.clone();
    locked(&to.attributes)
        .0
        .extend(values.into_iter().filter(|(attribute, _)| *attribute != PRIORITY));
    Ok(())
}

impl Stream {
    fn attribute(&self, attribute: c_uint) -> AttributeValue {
        let unset = match attribute {
            SYNC_POLICY => [1, 0, 0, 0, 0, 0, 0, 0],
            PRIORITY => [u64::from(self.priority as u32), 0, 0, 0, 0, 0, 0, 0],
            _ => AttributeValue::default(),
        };
        locked(&self.attributes).0.get(&attribute).copied().unwrap_or(unset)
    }
}
