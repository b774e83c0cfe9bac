//! Memory that somebody else made: it is charged to its maker, and nothing here gives any back.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::*;

use super::real::Real;
use crate::client::Client;
use crate::driver::Status;

fn import(client: &Client, real: &Real) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if status.ok() {
        member.import_paid_elsewhere();
    }
    status
}

pub fn open_ipc(
    client: &Client,
    real: &Real,
    _: *mut CUdeviceptr,
    _: CUipcMemHandle,
    _: c_uint,
) -> Status {
    import(client, real)
}

pub fn external(
    client: &Client,
    real: &Real,
    _: *mut CUexternalMemory,
    _: *const CUDA_EXTERNAL_MEMORY_HANDLE_DESC,
) -> Status {
    import(client, real)
}

pub fn pool_pointer(
    client: &Client,
    real: &Real,
    _: *mut CUdeviceptr,
    _: CUmemoryPool,
    _: *mut CUmemPoolPtrExportData,
) -> Status {
    import(client, real)
}
