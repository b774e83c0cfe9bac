//! Stream-ordered memory: what is charged is what pools have reserved, not what was cut out of them.
#![forbid(unsafe_code)]

use core::ffi::{c_int, c_uint, c_void};

use cudarc::driver::sys::*;
use cuota_core::grain;

use super::caller::{read, write};
use super::gone;
use super::invalid::{self, Asked};
use super::real::Real;
use crate::client::Client;
use crate::driver::{Status, query};
use crate::member::{Call, Entry, Full, Kind, Member, OnDevice, Pool, Room};

/// Location types whose memory is a device's.
const DEVICE: u32 = 1;
const LOCALITY_DOMAIN: u32 = 6;

/// The ordinal of a location, if it is device memory. Its id is the device, not the current context.
pub fn ordinal_of(kind: u32, id: c_int) -> Option<c_int> {
    match kind {
        DEVICE => Some(id),
        LOCALITY_DOMAIN => Some(id & 0xff),
        _ => None,
    }
}

pub fn alloc(
    client: &Client,
    real: &Real,
    out: *mut CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let stream = real.stream(stream);
    // What is captured takes nothing now: its graph will.
    if member.is_captured(stream) {
        return real.call();
    }
    let Some(device) = member.device_of_stream(stream) else { return real.call() };
    let mut handle = 0;
    if !query::cuDeviceGetMemPool(&mut handle, device.ordinal).ok() {
        return real.call();
    }
    let pool = member.pools.learn(handle, Some(device.ordinal));
    from_pool(member, real, out, bytes as u64, &pool, stream)
}

pub fn alloc_from(
    client: &Client,
    real: &Real,
    out: *mut CUdeviceptr,
    bytes: usize,
    pool: CUmemoryPool,
    stream: CUstream,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let (handle, stream) = (pool.addr() as u64, real.stream(stream));
    if member.is_captured(stream) {
        return real.call();
    }
    let pool = member.pools.named(handle).or_else(|| {
        // One whose making we did not see: taken for one of the stream's device. None is not kept in mind.
        let device = member.device_of_stream(stream)?;
        let is_one = !invalid::is_no_pool(handle) || real.call().ok();
        is_one.then(|| member.pools.learn(handle, Some(device.ordinal)))
    });
    match pool {
        Some(pool) => from_pool(member, real, out, bytes as u64, &pool, stream),
        None => real.call(),
    }
}

fn from_pool(
    member: &Member,
    real: &Real,
    out: *mut CUdeviceptr,
    bytes: u64,
    pool: &Pool,
    stream: u64,
) -> Status {
    let device = pool.ordinal.and_then(|ordinal| member.device(ordinal));
    let Some(device) = device.filter(|_| bytes > 0) else { return real.call() };
    let asked = Asked::Pooled { pool: pool.handle, stream };
    let answered = || invalid::answer(real, out, asked);
    let call = match ready(member, real, device, pool, bytes, answered) {
        Ok(call) => call,
        Err(refused) => return refused,
    };
    let status = real.call();
    let took = (call, status.ok());
    let is_more = member.settle(device, &pool.sum, Kind::Pool, took, || pool.reserved());
    let Some(address) = read(out).filter(|_| status.ok()) else { return status };
    // There was room in the pool, in pieces, and the driver took more for some call: those go back.
    if is_more
        && member.is_over(device).is_some()
        && let () = member.make_room(device)
        && let Some(standing) = member.is_over(device)
    {
        let _ = query::cuMemFreeAsync(address, stream);
        write(out, 0);
        member.pool_undone_in_order(stream, pool);
        return member.refuse(device, Kind::Pool, bytes, real.name(), standing);
    }
    let entry = Entry {
        bytes: grain::round(bytes, grain::UNIT),
        owner: pool.handle,
        ordinal: device.ordinal as u8,
        kind: Kind::Pool,
    };
    member.cut(device, entry.bytes);
    member.hold(device, Room::Address, address, entry);
    status
}

/// Gets ready for the pool to grow: by its step if there is room for that, by nothing if the pool has
/// room itself. What the client sits on is given back before it is refused.
fn ready(
    member: &Member,
    real: &Real,
    device: &OnDevice,
    pool: &Pool,
    bytes: u64,
    answered: impl FnOnce() -> Option<Status>,
) -> Result<Call, Status> {
    let bytes = grain::round(bytes, grain::UNIT);
    let grown = Call::bounded(bytes, grain::round(bytes, grain::POOL));
    let begin = || match member.grow(device, &pool.sum, Kind::Pool, grown) {
        Ok(()) => Ok(grown),
        // What was taken too much is to go back, and would not if it were used.
        Err(full) if full.used > full.limit => Err(full),
        Err(full) => member.fit(pool, grown).ok_or(full),
    };
    let refused = |full: Full| member.refuse(device, Kind::Pool, bytes, real.name(), full);
    begin().or_else(|_| match answered() {
        // Of what it should have refused, what it has given is counted when the pool is asked.
        Some(answer) if answer.ok() => Ok(Call::bounded(0, 0)),
        Some(answer) => Err(answer),
        None => member.at_last(device, begin).map_err(refused),
    })
}

pub fn create(
    client: &Client,
    real: &Real,
    out: *mut CUmemoryPool,
    props: *const CUmemPoolProps,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    // Kind, handle types, location kind and id: plain words, whatever enum says about them.
    let words = read(props.cast::<[u32; 4]>());
    let status = real.call();
    if let (Some([_, _, kind, id]), Some(pool), true) = (words, read(out), status.ok()) {
        member.pools.learn(pool.addr() as u64, ordinal_of(kind, id.cast_signed()));
    }
    status
}

/// Pools handed out by location.
pub fn at_location(
    client: &Client,
    real: &Real,
    out: *mut CUmemoryPool,
    location: *mut CUmemLocation,
    _kind: c_uint,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let words = read(location.cast::<[u32; 2]>());
    let status = real.call();
    if let (Some([kind, id]), Some(pool), true) = (words, read(out), status.ok()) {
        member.pools.learn(pool.addr() as u64, ordinal_of(kind, id.cast_signed()));
    }
    status
}

pub fn of_device(client: &Client, real: &Real, out: *mut CUmemoryPool, device: CUdevice) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if let Some(pool) = read(out).filter(|_| status.ok()) {
        member.pools.learn(pool.addr() as u64, Some(device));
    }
    status
}

/// Its memory lives as long as allocations from it do.
pub fn destroy(client: &Client, real: &Real, pool: CUmemoryPool) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let known = member.pools.named(pool.addr() as u64);
    if let Some(known) = &known {
        member.pool_empties(known);
        known.destroyed.store(true, core::sync::atomic::Ordering::Release);
    }
    let status = real.call();
    if let Some(known) = &known {
        if status.ok() || gone::pool(status, known.handle) {
            member.pool_destroyed(known);
        } else {
            known.destroyed.store(false, core::sync::atomic::Ordering::Release);
        }
    }
    status
}

pub fn trim(client: &Client, real: &Real, pool: CUmemoryPool, _keep: usize) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if let Some(pool) = member.pools.named(pool.addr() as u64) {
        member.true_up(&pool);
    }
    status
}

/// A threshold that is lowered may give memory back.
pub fn set_attribute(
    client: &Client,
    real: &Real,
    pool: CUmemoryPool,
    _attribute: c_uint,
    _value: *mut c_void,
) -> Status {
    trim(client, real, pool, 0)
}

/// Memory of another process's pool: its maker pays.
pub fn import_pool(
    client: &Client,
    real: &Real,
    out: *mut CUmemoryPool,
    _handle: *mut c_void,
    _kind: c_uint,
    _flags: u64,
) -> Status {
    let Some(member) = client.member() else { return client.without(real) };
    let status = real.call();
    if let Some(pool) = read(out).filter(|_| status.ok()) {
        member.pools.learn(pool.addr() as u64, None);
    }
    status
}
