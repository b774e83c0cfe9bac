//! Physical memory of the virtual-memory calls: charged when it is made, whoever maps it where.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint, c_ulonglong, c_void};

use cudarc::driver::sys::*;

use super::caller::{file_of, is_of_a_device, read};
use super::gone;
use super::invalid::{self, Asked};
use super::pool::ordinal_of;
use super::real::Real;
use crate::client::Client;
use crate::driver::Status;
use crate::member::{Dropped, Entry, Kind, Member};

/// A shareable handle that is a file descriptor: a bit among the kinds that memory can be shared by.
const POSIX_FD: u32 = 1;

pub fn create(
    client: &Client,
    real: &Real,
    out: *mut CUmemGenericAllocationHandle,
    bytes: usize,
    props: *const CUmemAllocationProp,
    flags: c_ulonglong,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    // Kind, handle types, location kind and id.
    let words = read(props.cast::<[u32; 4]>()).unwrap_or_default();
    let [_, handle_types, kind, id] = words;
    let ordinal = ordinal_of(kind, id.cast_signed());
    let Some(device) = ordinal.and_then(|ordinal| member.device(ordinal)) else {
        return real.call();
    };
    let answered = || invalid::answer(real, out, Asked::Physical { bytes, props, flags });
    let name = real.name();
    let charge = match member.reserve_unless(device, Kind::Vmm, bytes as u64, name, answered) {
        Ok(charge) => charge,
        Err(refused) => return refused,
    };
    let status = real.call();
    if let Some(handle) = read(out).filter(|_| status.ok()) {
        let (bytes, ordinal) = (charge.keep(), device.ordinal as u8);
        let entry = Entry { bytes, owner: 0, ordinal, kind: Kind::Vmm };
        member.physicals.created(handle, entry, handle_types & POSIX_FD != 0);
        member.note_taken(device, Kind::Vmm, bytes, handle);
    }
    status
}

pub fn release(client: &Client, real: &Real, handle: CUmemGenericAllocationHandle) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    drop_references(member, real, member.physicals.take_handle(handle), |refused| {
        gone::physical(refused, handle)
    })
}

/// Runs what drops references that were taken out of the books before.
fn drop_references(
    member: &Member,
    real: &Real,
    dropped: Dropped,
    is_gone: impl Fn(Status) -> bool,
) -> Status {
    let status = real.call();
    if status.ok() || !dropped.is_empty() && is_gone(status) {
        member.let_go_of(dropped);
    } else {
        member.put_back_references(dropped);
    }
    status
}

pub fn map(
    client: &Client,
    real: &Real,
    address: CUdeviceptr,
    bytes: usize,
    _offset: usize,
    handle: CUmemGenericAllocationHandle,
    _flags: c_ulonglong,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if status.ok() {
        member.physicals.mapped(address, bytes as u64, handle);
    }
    status
}

pub fn unmap(client: &Client, real: &Real, address: CUdeviceptr, bytes: usize) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    drop_references(
        member,
        real,
        member.physicals.take_mappings(address, bytes as u64),
        |refused| gone::mapping(refused, address),
    )
}

/// Memory for parts of sparse arrays, in a stream's order.
pub fn map_array(
    client: &Client,
    real: &Real,
    list: *mut CUarrayMapInfo,
    count: c_uint,
    stream: CUstream,
) -> Status {
    /// The words of a map's description: an array, a part of it in five, what to do, the memory.
    const WORDS: usize = 12;
    const MAP: u64 = 1;
    const _: () = assert!(size_of::<CUarrayMapInfo>() == WORDS * 8);
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    for index in 0..if status.ok() { count as usize } else { 0 } {
        let words = read(list.cast::<[u64; WORDS]>().wrapping_add(index).cast_const());
        let Some([_, array, kind, a, b, c, d, act, handle, ..]) = words else { break };
        let part = [kind & 0xffff_ffff, a, b, c, d];
        let handle = if act & 0xffff_ffff == MAP { handle } else { 0 };
        if let Some(gone) = member.physicals.tiled(array, part, handle) {
            member.let_go_in_order(real.stream(stream), gone, 0);
        }
    }
    status
}

pub fn retain(
    client: &Client,
    real: &Real,
    out: *mut CUmemGenericAllocationHandle,
    address: *mut c_void,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if let Some(handle) = read(out).filter(|_| status.ok()) {
        member.physicals.retained(handle, address.addr() as u64);
    }
    status
}

pub fn export(
    client: &Client,
    real: &Real,
    out: *mut c_void,
    handle: CUmemGenericAllocationHandle,
    kind: c_uint,
    _flags: c_ulonglong,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if status.ok() && kind == POSIX_FD && member.physicals.is_shared_by_descriptor(handle) {
        let file = read(out.cast::<c_int>()).and_then(file_of);
        if let Some(file) = file {
            member.physicals.exported(handle, file);
        }
    }
    status
}

/// What was ours, and only a descriptor has led to since: charged as when it was made.
fn import_back(
    member: &Member,
    real: &Real,
    out: *mut CUmemGenericAllocationHandle,
    file: (u64, u64),
    entry: Entry,
) -> Status {
    let Some(device) = member.device(entry.ordinal.into()) else { return real.call() };
    let charge = match member.reserve(device, entry.kind, entry.bytes, real.name()) {
        Ok(charge) => charge,
        Err(refused) => return refused,
    };
    let status = real.call();
    if let Some(handle) = read(out).filter(|_| status.ok()) {
        member.physicals.back(handle, Entry { bytes: charge.keep(), ..entry }, file);
        member.note_taken(device, entry.kind, entry.bytes, handle);
    }
    status
}

/// What comes from another process is charged there; what was our own all along has one handle more.
pub fn import(
    client: &Client,
    real: &Real,
    out: *mut CUmemGenericAllocationHandle,
    handle: *mut c_void,
    _kind: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    // A descriptor comes in place of a pointer; no pointer is that small.
    let descriptor = c_int::try_from(handle.addr()).unwrap_or(-1);
    let file = file_of(descriptor);
    let left = file.filter(|_| !is_of_a_device(descriptor));
    let left = left.and_then(|file| Some((file, member.physicals.left_behind(file)?)));
    if let Some((file, entry)) = left {
        return import_back(member, real, out, file, entry);
    }
    let status = real.call();
    if let Some(imported) = read(out).filter(|_| status.ok()) {
        let ours = file.is_some_and(|file| member.physicals.imported(imported, file));
        if !ours {
            member.import_paid_elsewhere();
        }
    }
    status
}
