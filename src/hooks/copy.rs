//! Copies.
#![forbid(unsafe_code)]

use core::ffi::{c_ulonglong, c_void};
use core::mem::offset_of;

use cudarc::driver::sys::*;
use cuota_core::book::Direction;

use super::caller::read;
use super::real::Real;
use super::work::{done, submitted};
use crate::client::Client;
use crate::driver::Status;
use crate::member::Work;

/// Bodies of calls whose arguments say the direction and how many bytes; with a stream, those in its
/// order.
macro_rules! copies {
    ($($name:ident $direction:ident ($($before:ty),*; $bytes:ident: usize $(; $stream:ident)?);)*) => {$(
        #[allow(clippy::too_many_arguments)]
        pub fn $name(
            client: &Client,
            real: &Real,
            $(_: $before,)*
            $bytes: usize,
            $($stream: CUstream,)?
        ) -> Status {
            copies!(@count client, real, Direction::$direction, $bytes $(, $stream)?)
        }
    )*};
    (@count $client:ident, $real:ident, $direction:expr, $bytes:ident) => {
        done($client, $real, |work| work.count_copy($direction, $bytes as u64))
    };
    (@count $client:ident, $real:ident, $direction:expr, $bytes:ident, $stream:ident) => {
        submitted($client, $real, $stream, |work| {
            work.count_copy($direction, $bytes as u64)
        })
    };
}

type At = CUdeviceptr;

copies! {
    unified Unified (At, At; bytes: usize);
    unified_async Unified (At, At; bytes: usize; stream);
    to_device HostToDevice (At, *const c_void; bytes: usize);
    to_device_async HostToDevice (At, *const c_void; bytes: usize; stream);
    to_host DeviceToHost (*mut c_void, At; bytes: usize);
    to_host_async DeviceToHost (*mut c_void, At; bytes: usize; stream);
    within DeviceToDevice (At, At; bytes: usize);
    within_async DeviceToDevice (At, At; bytes: usize; stream);
    to_array HostToDevice (CUarray, usize, *const c_void; bytes: usize);
    to_array_async HostToDevice (CUarray, usize, *const c_void; bytes: usize; stream);
    from_array DeviceToHost (*mut c_void, CUarray, usize; bytes: usize);
    from_array_async DeviceToHost (*mut c_void, CUarray, usize; bytes: usize; stream);
    between_arrays DeviceToDevice (CUarray, usize, CUarray, usize; bytes: usize);
    out_of_array DeviceToDevice (At, CUarray, usize; bytes: usize);
    into_array DeviceToDevice (CUarray, usize, At; bytes: usize);
    peer Peer (At, CUcontext, At, CUcontext; bytes: usize);
    peer_async Peer (At, CUcontext, At, CUcontext; bytes: usize; stream);
}

/// By the types of memory on both sides, as the API numbers them.
fn direction(from: u64, to: u64) -> Direction {
    const HOST: u32 = 1;
    const UNIFIED: u32 = 4;
    match (from as u32, to as u32) {
        (UNIFIED, _) | (_, UNIFIED) => Direction::Unified,
        (HOST, HOST) => Direction::HostToHost,
        (HOST, _) => Direction::HostToDevice,
        (_, HOST) => Direction::DeviceToHost,
        _ => Direction::DeviceToDevice,
    }
}

/// Direction and bytes of a copy with rows, described by plain words.
fn of_2d(copy: *const CUDA_MEMCPY2D) -> (Direction, u64) {
    const WORDS: usize = size_of::<CUDA_MEMCPY2D>() / 8;
    const FROM: usize = offset_of!(CUDA_MEMCPY2D, srcMemoryType) / 8;
    const TO: usize = offset_of!(CUDA_MEMCPY2D, dstMemoryType) / 8;
    const WIDTH: usize = offset_of!(CUDA_MEMCPY2D, WidthInBytes) / 8;
    let words = read(copy.cast::<[u64; WORDS]>()).unwrap_or([0; WORDS]);
    (direction(words[FROM], words[TO]), words[WIDTH].saturating_mul(words[WIDTH + 1]))
}

fn of_3d(copy: *const CUDA_MEMCPY3D) -> (Direction, u64) {
    const WORDS: usize = size_of::<CUDA_MEMCPY3D>() / 8;
    const FROM: usize = offset_of!(CUDA_MEMCPY3D, srcMemoryType) / 8;
    const TO: usize = offset_of!(CUDA_MEMCPY3D, dstMemoryType) / 8;
    const WIDTH: usize = offset_of!(CUDA_MEMCPY3D, WidthInBytes) / 8;
    let words = read(copy.cast::<[u64; WORDS]>()).unwrap_or([0; WORDS]);
    let bytes = words[WIDTH].saturating_mul(words[WIDTH + 1]).saturating_mul(words[WIDTH + 2]);
    (direction(words[FROM], words[TO]), bytes)
}

fn described(work: &Work, (direction, bytes): (Direction, u64)) {
    work.count_copy(direction, bytes);
}

pub fn rows(client: &Client, real: &Real, copy: *const CUDA_MEMCPY2D) -> Status {
    done(client, real, |work| described(work, of_2d(copy)))
}

pub fn rows_async(
    client: &Client,
    real: &Real,
    copy: *const CUDA_MEMCPY2D,
    stream: CUstream,
) -> Status {
    submitted(client, real, stream, |work| described(work, of_2d(copy)))
}

pub fn slices(client: &Client, real: &Real, copy: *const CUDA_MEMCPY3D) -> Status {
    done(client, real, |work| described(work, of_3d(copy)))
}

pub fn slices_async(
    client: &Client,
    real: &Real,
    copy: *const CUDA_MEMCPY3D,
    stream: CUstream,
) -> Status {
    submitted(client, real, stream, |work| described(work, of_3d(copy)))
}

pub fn peer_slices(client: &Client, real: &Real, copy: *const CUDA_MEMCPY3D_PEER) -> Status {
    done(client, real, |work| {
        described(work, (Direction::Peer, of_3d(copy.cast()).1));
    })
}

pub fn peer_slices_async(
    client: &Client,
    real: &Real,
    copy: *const CUDA_MEMCPY3D_PEER,
    stream: CUstream,
) -> Status {
    submitted(client, real, stream, |work| {
        described(work, (Direction::Peer, of_3d(copy.cast()).1));
    })
}

pub fn with_attributes(
    client: &Client,
    real: &Real,
    _: CUdeviceptr,
    _: CUdeviceptr,
    bytes: usize,
    _: *mut CUmemcpyAttributes,
    stream: CUstream,
) -> Status {
    submitted(client, real, stream, |work| work.count_copy(Direction::Unified, bytes as u64))
}

/// Each copy of a batch for itself.
fn batched(
    client: &Client,
    real: &Real,
    stream: CUstream,
    bytes: impl Iterator<Item = u64>,
) -> Status {
    submitted(client, real, stream, |work| {
        bytes.for_each(|bytes| work.count_copy(Direction::Unified, bytes));
    })
}

fn sizes(sizes: *const usize, count: usize) -> impl Iterator<Item = u64> {
    (0..count).map_while(move |index| read(sizes.wrapping_add(index))).map(|bytes| bytes as u64)
}

#[allow(clippy::too_many_arguments)]
pub fn batch(
    client: &Client,
    real: &Real,
    _: *mut CUdeviceptr,
    _: *mut CUdeviceptr,
    bytes: *mut usize,
    count: usize,
    _: *mut CUmemcpyAttributes,
    _: *mut usize,
    _: usize,
    _: *mut usize,
    stream: CUstream,
) -> Status {
    batched(client, real, stream, sizes(bytes, count))
}

#[allow(clippy::too_many_arguments)]
pub fn batch_v2(
    client: &Client,
    real: &Real,
    _: *mut CUdeviceptr,
    _: *mut CUdeviceptr,
    bytes: *mut usize,
    count: usize,
    _: *mut CUmemcpyAttributes,
    _: *mut usize,
    _: usize,
    stream: CUstream,
) -> Status {
    batched(client, real, stream, sizes(bytes, count))
}

/// What each of a batch's boxes has in it.
fn boxes(first: *const CUDA_MEMCPY3D_BATCH_OP, count: usize) -> impl Iterator<Item = u64> {
    const EXTENT: usize = offset_of!(CUDA_MEMCPY3D_BATCH_OP, extent);
    let extent = move |index: usize| {
        let operation = first.wrapping_add(index);
        if operation.is_null() {
            return None;
        }
        read(operation.cast::<u8>().wrapping_add(EXTENT).cast::<[u64; 3]>())
    };
    let volume =
        |[width, height, depth]: [u64; 3]| width.saturating_mul(height).saturating_mul(depth);
    (0..count).map_while(extent).map(volume)
}

pub fn boxes_v1(
    client: &Client,
    real: &Real,
    count: usize,
    first: *mut CUDA_MEMCPY3D_BATCH_OP,
    _: *mut usize,
    _: c_ulonglong,
    stream: CUstream,
) -> Status {
    batched(client, real, stream, boxes(first, count))
}

pub fn boxes_v2(
    client: &Client,
    real: &Real,
    count: usize,
    first: *mut CUDA_MEMCPY3D_BATCH_OP,
    _: c_ulonglong,
    stream: CUstream,
) -> Status {
    batched(client, real, stream, boxes(first, count))
}

pub fn one_box(
    client: &Client,
    real: &Real,
    operation: *mut CUDA_MEMCPY3D_BATCH_OP,
    _: c_ulonglong,
    stream: CUstream,
) -> Status {
    batched(client, real, stream, boxes(operation, 1))
}
