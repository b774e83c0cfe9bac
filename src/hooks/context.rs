//! Contexts and the driver's start.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use super::real::Real;
use crate::client::Client;
use crate::driver::Status;

pub fn init(client: &Client, real: &Real, _flags: c_uint) -> Status {
    let status = real.call();
    client.check_coverage();
    status
}
