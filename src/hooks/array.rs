//! Arrays and mipmaps: sized by their layout, since nobody says how much they take.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::*;
use cuota_core::array::Shape;

use super::caller::read;
use super::gone;
use super::real::Real;
use crate::client::Client;
use crate::driver::Status;
use crate::member::{Kind, Member, Room};

pub fn create(
    client: &Client,
    real: &Real,
    out: *mut CUarray,
    descriptor: *const CUDA_ARRAY_DESCRIPTOR,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    // Width, height, then format and channels as plain words.
    let shape = read(descriptor.cast::<[usize; 3]>()).map(|[width, height, rest]| Shape {
        width: width as u64,
        height: height as u64,
        depth: 0,
        format: rest as u32,
        channels: (rest >> 32) as u32,
        flags: 0,
    });
    let bytes = shape.map_or(0, |shape| shape.bytes());
    take(member, real, (Room::Array, Kind::Array), bytes, || read(out).map(|array| array.addr()))
}

/// Width, height, depth, then format, channels and flags as plain words.
fn shape_3d(descriptor: *const CUDA_ARRAY3D_DESCRIPTOR) -> Option<Shape> {
    let [width, height, depth, words, flags] = read(descriptor.cast::<[usize; 5]>())?;
    let shape = Shape {
        width: width as u64,
        height: height as u64,
        depth: depth as u64,
        format: words as u32,
        channels: (words >> 32) as u32,
        flags: flags as u32,
    };
    shape.takes_memory().then_some(shape)
}

pub fn create_3d(
    client: &Client,
    real: &Real,
    out: *mut CUarray,
    descriptor: *const CUDA_ARRAY3D_DESCRIPTOR,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let bytes = shape_3d(descriptor).map_or(0, |shape| shape.bytes());
    take(member, real, (Room::Array, Kind::Array), bytes, || read(out).map(|array| array.addr()))
}

pub fn create_mipmap(
    client: &Client,
    real: &Real,
    out: *mut CUmipmappedArray,
    descriptor: *const CUDA_ARRAY3D_DESCRIPTOR,
    levels: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let bytes = shape_3d(descriptor).map_or(0, |shape| shape.mipmap_bytes(levels));
    take(member, real, (Room::Mipmap, Kind::Mipmap), bytes, || read(out).map(|map| map.addr()))
}

fn take(
    member: &Member,
    real: &Real,
    (room, kind): (Room, Kind),
    bytes: u64,
    handle: impl Fn() -> Option<usize>,
) -> Status {
    let Some(context) = member.context() else { return real.call() };
    if bytes == 0 {
        // Without memory of its own, which may be mapped to it.
        let status = real.call();
        if let Some(handle) = handle().filter(|_| status.ok()) {
            member.physicals.made_sparse(handle as u64, context.handle);
        }
        return status;
    }
    let entry = match member.reserve_array(context, kind, bytes, real.name()) {
        Ok(entry) => entry,
        Err(refused) => return refused,
    };
    let status = real.call();
    member.array_rests(&entry);
    match handle().filter(|_| status.ok()) {
        Some(handle) => {
            member.hold(context.device, room, handle as u64, entry);
            member.settle_array(context, &entry);
        }
        None => member.uncharge(entry),
    }
    status
}

pub fn destroy(client: &Client, real: &Real, array: CUarray) -> Status {
    give(client, real, Room::Array, array.addr())
}

pub fn destroy_mipmap(client: &Client, real: &Real, mipmap: CUmipmappedArray) -> Status {
    give(client, real, Room::Mipmap, mipmap.addr())
}

fn give(client: &Client, real: &Real, room: Room, handle: usize) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let handle = handle as u64;
    let (entry, mapped) = (member.take(room, handle), member.physicals.take_array(handle));
    let is_known = entry.is_some() || !mapped.is_empty();
    entry.iter().for_each(|entry| member.array_moves(entry));
    let status = real.call();
    entry.iter().for_each(|entry| member.array_rests(entry));
    let is_gone = || match room {
        Room::Mipmap => gone::mipmap(status, handle),
        _ => gone::array(status, handle),
    };
    if status.ok() || is_known && is_gone() {
        if let Some(entry) = entry {
            member.let_go(entry, handle);
        }
        member.let_go_of(mapped);
    } else {
        if let Some(entry) = entry {
            member.put_back(room, handle, entry);
        }
        member.put_back_references(mapped);
    }
    status
}
