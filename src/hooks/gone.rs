//! A free that the driver refused. What it was about is there still, unless another thread has freed it in
//! the same moment: that one found nothing in our books, and who had taken it out sees to it.
#![forbid(unsafe_code)]

use super::invalid::is_no_pool;
use crate::driver::{Status, query};

/// Whether the driver says that it knows no such thing. A device that is lost says otherwise of all there is.
pub(super) fn knows_none(status: Status) -> bool {
    const INVALID_HANDLE: Status = Status(400);
    const NOT_FOUND: Status = Status(500);
    [Status::INVALID_VALUE, INVALID_HANDLE, NOT_FOUND].contains(&status)
}

#[cold]
pub fn address(refused: Status, address: u64) -> bool {
    let (mut base, mut bytes) = (0, 0);
    knows_none(refused)
        && knows_none(query::cuMemGetAddressRange_v2(&mut base, &mut bytes, address))
}

#[cold]
pub fn physical(refused: Status, handle: u64) -> bool {
    knows_none(refused)
        && knows_none(query::cuMemGetAllocationPropertiesFromHandle(&mut [0; 8], handle))
}

#[cold]
pub fn mapping(refused: Status, address: u64) -> bool {
    let mut handle = 0;
    if !knows_none(refused) {
        return false;
    }
    let status = query::cuMemRetainAllocationHandle(&mut handle, address);
    if status.ok() {
        let _ = query::cuMemRelease(handle);
    }
    knows_none(status)
}

#[cold]
pub fn pool(refused: Status, handle: u64) -> bool {
    knows_none(refused) && is_no_pool(handle)
}

/// Whether there is no such context any more. One that is lost to a fault may answer with that, and is there.
#[cold]
pub fn context(handle: u64) -> bool {
    const DESTROYED: Status = Status(709);
    let status = query::cuCtxPushCurrent_v2(handle);
    if status.ok() {
        let _ = query::cuCtxPopCurrent_v2(&mut 0);
    }
    handle != 0 && [Status::INVALID_CONTEXT, DESTROYED].contains(&status)
}

#[cold]
pub fn array(refused: Status, handle: u64) -> bool {
    knows_none(refused) && knows_none(query::cuArrayGetDescriptor_v2(&mut [0; 8], handle))
}

#[cold]
pub fn mipmap(refused: Status, handle: u64) -> bool {
    knows_none(refused) && knows_none(query::cuMipmappedArrayGetLevel(&mut 0, handle, 0))
}
