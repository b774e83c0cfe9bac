//! Linear device memory: plain, pitched and managed.
#![forbid(unsafe_code)]

use core::ffi::c_uint;

use cudarc::driver::sys::{CUdeviceptr, CUstream};
use cuota_core::grain;
use cuota_core::pages::{Taken, is_small};

use super::caller::{read, write};
use super::gone;
use super::invalid::{self, Asked};
use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, query};
use crate::member::{Context, Entry, Kind, Linear, Member, Room};

pub fn alloc(client: &Client, real: &Real, out: *mut CUdeviceptr, bytes: usize) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    take(member, real, out, (Kind::Linear, || Asked::Linear), bytes as u64, || bytes as u64)
}

pub fn alloc_pitch(
    client: &Client,
    real: &Real,
    out: *mut CUdeviceptr,
    pitch: *mut usize,
    width: usize,
    height: usize,
    element: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let height = height as u64;
    let bytes = grain::round(width as u64, grain::PITCH).saturating_mul(height);
    let taken = || read(pitch).map_or(bytes, |pitch| (pitch as u64).saturating_mul(height));
    let asked = move || Asked::Pitched { pitch, element };
    take(member, real, out, (Kind::Pitched, asked), bytes, taken)
}

/// Managed memory counts in full: all of it can come to the device.
pub fn alloc_managed(
    client: &Client,
    real: &Real,
    out: *mut CUdeviceptr,
    bytes: usize,
    flags: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let Some(context) = member.context() else { return real.call() };
    let bytes = grain::piece(bytes as u64);
    let asked = move || Asked::Managed { flags };
    take_alone(member, real, out, (Kind::Managed, asked), context, bytes, || bytes)
}

/// Takes `bytes`, or as many as `taken` says after the driver has answered.
#[inline(always)]
fn take(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    what: (Kind, impl FnOnce() -> Asked),
    bytes: u64,
    taken: impl Fn() -> u64,
) -> Status {
    // Without a context the driver refuses by itself.
    let Some(context) = member.context().filter(|_| bytes > 0) else { return real.call() };
    if is_small(bytes) {
        take_small(member, real, out, what, context, bytes, taken)
    } else {
        let bytes = grain::piece(bytes);
        take_alone(member, real, out, what, context, bytes, || grain::piece(taken()))
    }
}

#[inline(always)]
fn take_alone(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    (kind, asked): (Kind, impl FnOnce() -> Asked),
    context: Context,
    bytes: u64,
    taken: impl Fn() -> u64,
) -> Status {
    let answered = || invalid::answer(real, out, asked());
    let charge = member.reserve_unless(context.device, kind, bytes, real.name(), answered);
    let mut charge = match charge {
        Ok(charge) => charge,
        Err(refused) => return refused,
    };
    let status = real.call();
    let Some(address) = read(out).filter(|_| status.ok()) else { return status };
    if !charge.resize(taken()) {
        drop(charge);
        return undo(member, real, out, kind, context, taken());
    }
    let Context { handle: owner, device } = context;
    let entry = Entry { bytes: charge.keep(), owner, ordinal: device.ordinal as u8, kind };
    member.hold(device, Room::Address, address, entry);
    status
}

/// Small requests share pages, and pages are what is charged. Most find room in one that is charged
/// already; where that is not sure a page is reserved before the driver is asked.
#[inline(always)]
fn take_small(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    (kind, asked): (Kind, impl FnOnce() -> Asked),
    context: Context,
    bytes: u64,
    taken: impl Fn() -> u64,
) -> Status {
    if member.promise(context, bytes) {
        return take_promised(member, real, out, kind, context, bytes, taken);
    }
    let answered = || invalid::answer(real, out, asked());
    match member.page_for(context, kind, bytes, real.name(), answered) {
        Ok(true) => {}
        Ok(false) => return take_promised(member, real, out, kind, context, bytes, taken),
        Err(refused) => return refused,
    }
    let page = member.charge(context.device, kind, grain::PAGE);
    let status = real.call();
    if let Some(address) = read(out).filter(|_| status.ok()) {
        page.keep();
        member.place_reserved(context, kind, address, taken());
    }
    status
}

/// The same with room promised in pages that are charged.
#[inline(always)]
fn take_promised(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    kind: Kind,
    context: Context,
    bytes: u64,
    taken: impl Fn() -> u64,
) -> Status {
    let status = real.call();
    match read(out).filter(|_| status.ok()) {
        Some(address) => {
            if member.place_promised(context, kind, address, (taken(), bytes)) {
                return one_page_more(member, real, out, kind, context, (address, bytes));
            }
        }
        None => member.kept(context, kind, bytes),
    }
    status
}

/// The driver took a page though there was room: it counts like any other, or goes back.
#[cold]
fn one_page_more(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    kind: Kind,
    context: Context,
    (address, bytes): (CUdeviceptr, u64),
) -> Status {
    let refused = member.page_more(context, kind, real.name(), address).err();
    if refused.is_some() {
        let taken = member.take_small(address);
        let _ = query::cuMemFree_v2(address);
        write(out, 0);
        // Before others' pages that were left to this one go back: somebody may be there who needs one.
        if let Some(taken) = taken {
            member.let_go_uncharged(context, kind, address, taken);
        }
    }
    member.kept(context, kind, bytes);
    refused.unwrap_or(Status::SUCCESS)
}

/// The driver took more than there is: the memory goes back, and the answer is no.
#[cold]
fn undo(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    kind: Kind,
    context: Context,
    bytes: u64,
) -> Status {
    if let Some(address) = read(out) {
        let _ = query::cuMemFree_v2(address);
    }
    write(out, 0);
    member.refuse(context.device, kind, bytes, real.name(), member.standing(context.device))
}

pub fn free(client: &Client, real: &Real, address: CUdeviceptr) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    // Memory of its own begins with a page; few small requests do. What is found at once goes on in
    // registers: by way of `Linear` it would be copied, which costs as much as finding it.
    if !address.is_multiple_of(grain::PAGE) {
        if let Some(taken) = member.take_small(address) {
            return free_small(member, real, address, taken);
        }
    } else if let Some(entry) = member.take(Room::Address, address) {
        return free_alone(member, real, address, entry);
    }
    match member.take_linear(address) {
        Some(Linear::Alone(entry)) => free_alone(member, real, address, entry),
        Some(Linear::Small(taken)) => free_small(member, real, address, taken),
        None => {
            // A graph's memory, freed by hand, stays with the device's graphs.
            let status = real.call();
            member.look_at_pending();
            status
        }
    }
}

#[inline(always)]
fn free_small(member: &Member, real: &Real, address: u64, taken: Taken) -> Status {
    let status = real.call();
    if status.ok() {
        member.let_go_small(address, taken);
    } else {
        small_refused(member, status, address, taken);
    }
    status
}

#[cold]
fn small_refused(member: &Member, refused: Status, address: u64, taken: Taken) {
    if gone::address(refused, address) || !member.put_back_small(address, taken) {
        member.let_go_small(address, taken);
    }
}

#[cold]
fn alone_refused(member: &Member, refused: Status, address: u64, entry: Entry) {
    if gone::address(refused, address) {
        member.let_go(entry, address);
    } else {
        member.put_back(Room::Address, address, entry);
    }
}

#[inline(always)]
fn free_alone(member: &Member, real: &Real, address: CUdeviceptr, entry: Entry) -> Status {
    let status = real.call();
    if !status.ok() {
        alone_refused(member, status, address, entry);
        return status;
    }
    if entry.kind == Kind::Pool {
        member.pool_freed(entry.owner);
    }
    member.let_go(entry, address);
    // The device was waited for.
    member.look_at_pending();
    status
}

/// In a stream's order: plain memory is held until the stream gets there, a pool's stays with it.
pub fn free_async(client: &Client, real: &Real, address: CUdeviceptr, stream: CUstream) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let stream = real.stream(stream);
    if member.is_captured(stream) {
        return real.call();
    }
    let known = member.take_linear(address);
    let status = real.call();
    match known {
        Some(Linear::Small(taken)) if !status.ok() => small_refused(member, status, address, taken),
        Some(Linear::Small(taken)) => member.let_go_small_in_order(stream, address, taken),
        Some(Linear::Alone(entry)) if !status.ok() => alone_refused(member, status, address, entry),
        Some(Linear::Alone(entry)) if entry.kind == Kind::Pool => {
            if let Some(device) = member.device(entry.ordinal.into()) {
                member.returned(device, entry.bytes);
                member.note_freed(device, entry.kind, entry.bytes, address);
            }
            member.pool_freed_in_order(stream, entry);
        }
        Some(Linear::Alone(entry)) => member.let_go_in_order(stream, entry, address),
        None => {}
    }
    status
}
