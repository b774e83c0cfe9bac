//! What the driver itself hands out: asked first and verbatim, its answer translated.

use core::ffi::{c_char, c_int, c_void};

use cudarc::driver::sys::{CUdriverProcAddressQueryResult, CUuuid, cuuint64_t};

use crate::client::Client;
use crate::driver::Status;
use crate::driver::addresses::ADDRESSES;
use crate::hooks::ALL;
use crate::hooks::real::Real;

/// 11.3: four arguments; a miss answers 500 and leaves `*function` as it was.
pub fn proc_address(
    client: &Client,
    real: &Real,
    _symbol: *const c_char,
    function: *mut *mut c_void,
    _version: c_int,
    _flags: cuuint64_t,
) -> Status {
    translated(client, real.call(), function)
}

/// 12.0: a miss answers 0 with `*function` null, and says why in `*status`.
pub fn proc_address_v2(
    client: &Client,
    real: &Real,
    _symbol: *const c_char,
    function: *mut *mut c_void,
    _version: c_int,
    _flags: cuuint64_t,
    _status: *mut CUdriverProcAddressQueryResult,
) -> Status {
    translated(client, real.call(), function)
}

/// The driver has answered: its address becomes ours, if it is one of ours.
fn translated(client: &Client, status: Status, function: *mut *mut c_void) -> Status {
    if !status.ok() || function.is_null() {
        return status;
    }
    // SAFETY: the driver has just written there, or accepted it as a place to write.
    let real = unsafe { *function };
    let index = ADDRESSES.find(real.cast());
    if let Some(entry) = index.and_then(|index| ALL.get(index)) {
        // SAFETY: as above.
        unsafe { *function = entry.exported().cast() };
    }
    if !real.is_null() {
        client.handed_out_by_driver(index);
    }
    status
}

/// Private tables: passed through unread, and counted by UUID for the coverage report.
pub fn export_table(
    client: &Client,
    real: &Real,
    _table: *mut *const c_void,
    id: *const CUuuid,
) -> Status {
    let status = real.call();
    if !id.is_null() {
        // SAFETY: not null, and read by the driver in the call above. A UUID is sixteen bytes.
        let uuid = unsafe { id.cast::<[u8; 16]>().read_unaligned() };
        client.export_table_asked(uuid, status.ok());
    }
    status
}
