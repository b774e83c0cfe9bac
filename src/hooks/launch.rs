//! Kernel launches.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint, c_void};
use core::mem::offset_of;

use cudarc::driver::sys::*;
use cuota_core::book::{Block, Count};

use super::caller::read;
use super::real::Real;
use super::work::{self, DEFAULT};
use crate::client::Client;
use crate::driver::Status;

#[inline(always)]
fn launched(
    client: &Client,
    real: &Real,
    function: CUfunction,
    stream: CUstream,
    what: Count,
) -> Status {
    let function = function.addr() as u64;
    work::launched(client, real, function, || stream, |work| work.count(what, 1))
}

#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub fn kernel(
    client: &Client,
    real: &Real,
    function: CUfunction,
    _grid_x: c_uint,
    _grid_y: c_uint,
    _grid_z: c_uint,
    _block_x: c_uint,
    _block_y: c_uint,
    _block_z: c_uint,
    _shared_bytes: c_uint,
    stream: CUstream,
    _parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> Status {
    launched(client, real, function, stream, Count::Kernels)
}

#[inline(always)]
pub fn kernel_ex(
    client: &Client,
    real: &Real,
    config: *const CUlaunchConfig,
    function: CUfunction,
    _parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> Status {
    let function = function.addr() as u64;
    work::launched(client, real, function, stream_of(config), |work| {
        let what = if is_cooperative(config) { Count::Cooperative } else { Count::Kernels };
        work.count(what, 1);
    })
}

/// Looked for only where it matters: the driver has not looked yet whether the pointer is any good.
fn stream_of(config: *const CUlaunchConfig) -> impl FnOnce() -> CUstream {
    move || {
        let at = config.cast::<u8>().wrapping_add(offset_of!(CUlaunchConfig, hStream));
        let stream = if config.is_null() { None } else { read(at.cast::<usize>()) };
        core::ptr::without_provenance_mut(stream.unwrap_or(0))
    }
}

/// An attribute says so; its first word is which, its value comes behind a word of padding.
fn is_cooperative(config: *const CUlaunchConfig) -> bool {
    const COOPERATIVE: u32 = 2;
    const WORDS: usize = size_of::<CUlaunchAttribute>() / 4;
    const VALUE: usize = offset_of!(CUlaunchAttribute, value) / 4;
    if config.is_null() {
        return false;
    }
    let at = |offset: usize| config.cast::<u8>().wrapping_add(offset);
    let list = read(at(offset_of!(CUlaunchConfig, attrs)).cast::<*const [u32; WORDS]>());
    let count = read(at(offset_of!(CUlaunchConfig, numAttrs)).cast::<c_uint>());
    let (Some(list), Some(count)) = (list, count) else { return false };
    let mut attributes = (0..count as usize).map_while(|index| read(list.wrapping_add(index)));
    attributes.any(|words| words[0] == COOPERATIVE && words[VALUE] != 0)
}

#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub fn cooperative(
    client: &Client,
    real: &Real,
    function: CUfunction,
    _grid_x: c_uint,
    _grid_y: c_uint,
    _grid_z: c_uint,
    _block_x: c_uint,
    _block_y: c_uint,
    _block_z: c_uint,
    _shared_bytes: c_uint,
    stream: CUstream,
    _parameters: *mut *mut c_void,
) -> Status {
    launched(client, real, function, stream, Count::Cooperative)
}

/// One kernel on each of several devices, as their streams say.
pub fn on_several(
    client: &Client,
    real: &Real,
    list: *mut CUDA_LAUNCH_PARAMS,
    count: c_uint,
    _flags: c_uint,
) -> Status {
    let Some(member) = client.member() else { return real.call() };
    if let Err(refused) = work::admitted() {
        return refused;
    }
    let launches = (0..count as usize).map_while(|index| read(list.wrapping_add(index)));
    let works: Vec<_> = launches
        .filter_map(|launch| {
            let stream = launch.hStream.addr() as u64;
            let device = member.device_of_stream(stream)?;
            let work = member.takes_off(device, launch.function.addr() as u64, stream);
            let flight = work.flight(stream);
            flight.inspect(Block::begin);
            Some((work, flight))
        })
        .collect();
    let status = real.call();
    for (work, flight) in works {
        if let Some(block) = flight {
            block.end();
        }
        if status.ok() {
            work.count(Count::Cooperative, 1);
        }
    }
    status
}

pub fn plain(client: &Client, real: &Real, function: CUfunction) -> Status {
    launched(client, real, function, DEFAULT, Count::Kernels)
}

pub fn grid(client: &Client, real: &Real, function: CUfunction, _: c_int, _: c_int) -> Status {
    launched(client, real, function, DEFAULT, Count::Kernels)
}

pub fn grid_async(
    client: &Client,
    real: &Real,
    function: CUfunction,
    _: c_int,
    _: c_int,
    stream: CUstream,
) -> Status {
    launched(client, real, function, stream, Count::Kernels)
}
