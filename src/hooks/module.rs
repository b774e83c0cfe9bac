//! Code and its globals take device memory that cannot be asked for before: measured afterwards.
#![forbid(unsafe_code)]

use core::ffi::{c_char, c_uint, c_void};

use cudarc::driver::sys::*;

use super::real::Real;
use crate::client::Client;
use crate::driver::Status;

fn load(client: &Client, real: &Real) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(context) = member.context() else { return real.call() };
    member.with_own(context.device, 0, real.name(), false, || real.call())
}

fn unload(client: &Client, real: &Real) -> Status {
    let status = real.call();
    if let Some(member) = client.member().filter(|_| status.ok()) {
        for device in member.devices() {
            member.own_gone(device, false);
        }
    }
    status
}

pub fn load_file(client: &Client, real: &Real, _: *mut CUmodule, _: *const c_char) -> Status {
    load(client, real)
}

pub fn load_data(client: &Client, real: &Real, _: *mut CUmodule, _: *const c_void) -> Status {
    load(client, real)
}

pub fn load_data_ex(
    client: &Client,
    real: &Real,
    _: *mut CUmodule,
    _: *const c_void,
    _: c_uint,
    _: *mut CUjit_option,
    _: *mut *mut c_void,
) -> Status {
    load(client, real)
}

pub fn unload_module(client: &Client, real: &Real, _: CUmodule) -> Status {
    unload(client, real)
}

#[allow(clippy::too_many_arguments)]
pub fn load_library(
    client: &Client,
    real: &Real,
    _: *mut CUlibrary,
    _: *const c_void,
    _: *mut CUjit_option,
    _: *mut *mut c_void,
    _: c_uint,
    _: *mut CUlibraryOption,
    _: *mut *mut c_void,
    _: c_uint,
) -> Status {
    load(client, real)
}

#[allow(clippy::too_many_arguments)]
pub fn load_library_file(
    client: &Client,
    real: &Real,
    _: *mut CUlibrary,
    _: *const c_char,
    _: *mut CUjit_option,
    _: *mut *mut c_void,
    _: c_uint,
    _: *mut CUlibraryOption,
    _: *mut *mut c_void,
    _: c_uint,
) -> Status {
    load(client, real)
}

pub fn unload_library(client: &Client, real: &Real, _: CUlibrary) -> Status {
    unload(client, real)
}
