//! Code and its globals take device memory that cannot be asked for before: measured afterwards.
#![forbid(unsafe_code)]

use core::ffi::{c_char, c_uint, c_void};

use cudarc::driver::sys::*;
use cuota_core::book::Count;

use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, query};
use crate::member::{Member, OnDevice};

fn load(client: &Client, real: &Real) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(context) = member.context() else { return real.call() };
    let status = member.with_own(context.device, 0, real.name(), false, || real.call());
    if status.ok() {
        member.count(context.device, Count::ModulesLoaded, 1);
    }
    status
}

/// Where a library is counted, which is of no context: the current one's device, or the first.
fn counted_on(member: &Member) -> Option<&OnDevice> {
    member.context().map(|context| context.device).or_else(|| member.devices().next())
}

fn load_library(client: &Client, real: &Real) -> Status {
    let status = real.call();
    if let Some(member) = client.member().filter(|_| status.ok())
        && let Some(device) = counted_on(member)
    {
        member.count(device, Count::ModulesLoaded, 1);
    }
    status
}

fn unload(client: &Client, real: &Real) -> Status {
    let status = real.call();
    if let Some(member) = client.member().filter(|_| status.ok()) {
        if let Some(device) = counted_on(member) {
            member.count(device, Count::ModulesUnloaded, 1);
        }
        member.forget_uses();
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

#[allow(clippy::too_many_arguments)]
pub fn library_data(
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
    load_library(client, real)
}

#[allow(clippy::too_many_arguments)]
pub fn library_file(
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
    load_library(client, real)
}

pub fn unload_module(client: &Client, real: &Real, _: CUmodule) -> Status {
    unload(client, real)
}

pub fn unload_library(client: &Client, real: &Real, _: CUlibrary) -> Status {
    unload(client, real)
}

/// A library's code comes to a context when something of it is first used there.
fn use_first(client: &Client, real: &Real, of: u64) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(context) = member.context() else { return real.call() };
    if !member.is_first_use(of, context.handle) {
        return real.call();
    }
    let status = member.with_own(context.device, 0, real.name(), false, || real.call());
    if !status.ok() {
        member.not_used_after_all(of, context.handle);
    }
    status
}

pub fn use_library(client: &Client, real: &Real, _: *mut CUmodule, library: CUlibrary) -> Status {
    use_first(client, real, library.addr() as u64)
}

pub fn use_variable(
    client: &Client,
    real: &Real,
    _: *mut CUdeviceptr,
    _: *mut usize,
    library: CUlibrary,
    _: *const c_char,
) -> Status {
    use_first(client, real, library.addr() as u64)
}

pub fn use_kernel(client: &Client, real: &Real, _: *mut CUfunction, kernel: CUkernel) -> Status {
    let (kernel, mut library) = (kernel.addr() as u64, 0);
    let known = query::cuKernelGetLibrary(&mut library, kernel).ok();
    use_first(client, real, if known { library } else { kernel })
}

pub fn use_function(client: &Client, real: &Real, function: CUfunction) -> Status {
    use_first(client, real, function.addr() as u64)
}
