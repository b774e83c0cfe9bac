//! Which pools there are: one per device by default, and those programs make.

use super::chunks::State;
use super::{Origin, POOLS, Pool, alive, named};
use crate::api::{Call, E, R, given, put, take};
use crate::device::{self, Device};
use crate::machine;
use crate::memory::abi::{self, Location, PoolProps};
use crate::memory::arena::Arena;
use crate::memory::block::Place;
use crate::memory::label::{Content, Label, file_bytes};
use cudarc::driver::sys::{CUdevice, CUmemLocation, CUmemPoolProps, CUmemoryPool};
use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which pool is whose: by location and kind of memory.
#[derive(Default)]
struct Assigned {
    default: BTreeMap<Key, Arc<Pool>>,
    current: BTreeMap<Key, Arc<Pool>>,
}

/// Location kind, location id, allocation kind.
type Key = (u32, i32, u32);

static ASSIGNED: Mutex<Assigned> =
    Mutex::new(Assigned { default: BTreeMap::new(), current: BTreeMap::new() });

fn assigned() -> MutexGuard<'static, Assigned> {
    ASSIGNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where memory for a location is, and the device that stands for it.
fn place(location: Location, kind: u32) -> Result<(Place, CUdevice), E> {
    match location.kind {
        abi::DEVICE => {
            let device = device::of(location.id).or(Err(E::INVALID_VALUE))?;
            Ok((Place::Card(device.number), device.ordinal))
        }
        abi::HOST | abi::HOST_NUMA | abi::HOST_NUMA_CURRENT => Ok((Place::Host, 0)),
        abi::ANYWHERE if kind == abi::MANAGED => Ok((Place::Host, 0)),
        _ => Err(E::INVALID_VALUE),
    }
}

fn make(props: PoolProps, origin: Origin) -> Result<Arc<Pool>, E> {
    let (place, device) = place(props.location, props.kind)?;
    let handle = POOLS.reserve();
    let pool = Arc::new(Pool {
        handle,
        props,
        device,
        place,
        origin,
        state: Mutex::new(State::on(place)),
    });
    POOLS.insert_at(handle, pool.clone());
    alive().push(Arc::downgrade(&pool));
    Ok(pool)
}

/// As another process's pool came to be known here.
pub(super) fn imported(label: Label, arena: Arc<Arena>) -> Result<Arc<Pool>, E> {
    let location = match label.place {
        Place::Host => Location { kind: abi::HOST, id: 0 },
        Place::Card(card) => {
            let visible = device::visible().iter().find(|device| device.number == card);
            let id = visible.ok_or(E::INVALID_DEVICE)?.ordinal;
            Location { kind: abi::DEVICE, id }
        }
    };
    let props = PoolProps { handle_types: abi::POSIX_FD, ..plain(location, abi::PINNED) };
    make(props, Origin::Imported { arena, id: label.id })
}

fn plain(location: Location, kind: u32) -> PoolProps {
    PoolProps {
        kind,
        handle_types: 0,
        location,
        win32: 0,
        max_size: 0,
        usage: 0,
        rdma: 0,
        reserved: [0; 53],
    }
}

pub fn create(call: &Call, out: *mut CUmemoryPool, props: *const CUmemPoolProps) -> R {
    given(out)?;
    let _ = call;
    let props = take(props.cast::<PoolProps>())?;
    if !matches!(props.kind, abi::PINNED | abi::MANAGED) {
        return Err(E::INVALID_VALUE);
    }
    let (place, _) = place(props.location, props.kind)?;
    let origin = match props.handle_types {
        0 => Origin::Own,
        abi::POSIX_FD => file_of_its_own(place)?,
        _ => return Err(E::NOT_SUPPORTED),
    };
    put(out, make(props, origin)?.raw())
}

/// Large enough for the card twice over: offsets are not reused as tightly as bytes.
fn file_of_its_own(place: Place) -> Result<Origin, E> {
    let machine = machine::current();
    let bytes = match place {
        Place::Card(card) => 2 * machine.total(card) as usize,
        Place::Host => 1 << 40,
    };
    let bytes = bytes.next_multiple_of(4096);
    let arena = Arena::new(bytes, file_bytes(bytes).ok_or(E::OUT_OF_MEMORY)?)?;
    let id = machine.next_id();
    Label { content: Content::Pool, place, bytes, id }.write(&arena)?;
    Ok(Origin::Shared { arena, id })
}

/// Allocations keep the pool's memory until they are freed.
pub fn destroy(_: &Call, pool: CUmemoryPool) -> R {
    let pool = named(pool)?;
    if matches!(pool.origin, Origin::Default) {
        return Err(E::INVALID_VALUE);
    }
    POOLS.remove(pool.handle).ok_or(E::INVALID_VALUE)?;
    assigned().current.retain(|_, current| !Arc::ptr_eq(current, &pool));
    Ok(())
}

fn default_for(location: Location, kind: u32) -> Result<Arc<Pool>, E> {
    place(location, kind)?;
    let key = (location.kind, location.id, kind);
    let mut assigned = assigned();
    if let Some(pool) = assigned.default.get(&key) {
        return Ok(pool.clone());
    }
    let pool = make(plain(location, kind), Origin::Default)?;
    assigned.default.insert(key, pool.clone());
    Ok(pool)
}

fn current_for(location: Location, kind: u32) -> Result<Arc<Pool>, E> {
    let key = (location.kind, location.id, kind);
    let chosen = assigned().current.get(&key).cloned();
    chosen.map_or_else(|| default_for(location, kind), Ok)
}

/// The pool `cuMemAllocAsync` draws from.
pub fn current_of(device: &Device) -> Result<Arc<Pool>, E> {
    current_for(Location { kind: abi::DEVICE, id: device.ordinal }, abi::PINNED)
}

fn on(device: CUdevice) -> Result<Location, E> {
    device::of(device)?;
    Ok(Location { kind: abi::DEVICE, id: device })
}

pub fn device_default(_: &Call, out: *mut CUmemoryPool, device: CUdevice) -> R {
    given(out)?;
    put(out, default_for(on(device)?, abi::PINNED)?.raw())
}

pub fn device_get(_: &Call, out: *mut CUmemoryPool, device: CUdevice) -> R {
    given(out)?;
    put(out, current_for(on(device)?, abi::PINNED)?.raw())
}

pub fn device_set(_: &Call, device: CUdevice, pool: CUmemoryPool) -> R {
    choose(on(device)?, abi::PINNED, named(pool)?)
}

/// A pool serves the place its memory is in.
fn choose(location: Location, kind: u32, pool: Arc<Pool>) -> R {
    if pool.props.location.kind != location.kind
        || (location.kind == abi::DEVICE && pool.props.location.id != location.id)
        || pool.props.kind != kind
        || pool.is_imported()
    {
        return Err(E::INVALID_VALUE);
    }
    let key = (location.kind, location.id, kind);
    assigned().current.insert(key, pool);
    Ok(())
}

fn asked(location: *mut CUmemLocation, kind: c_uint) -> Result<Location, E> {
    let location = take(location.cast::<Location>())?;
    if !matches!(kind, abi::PINNED | abi::MANAGED) {
        return Err(E::INVALID_VALUE);
    }
    place(location, kind)?;
    Ok(location)
}

pub fn default_at(
    _: &Call,
    out: *mut CUmemoryPool,
    location: *mut CUmemLocation,
    kind: c_uint,
) -> R {
    given(out)?;
    put(out, default_for(asked(location, kind)?, kind)?.raw())
}

pub fn get_at(_: &Call, out: *mut CUmemoryPool, location: *mut CUmemLocation, kind: c_uint) -> R {
    given(out)?;
    put(out, current_for(asked(location, kind)?, kind)?.raw())
}

pub fn set_at(_: &Call, location: *mut CUmemLocation, kind: c_uint, pool: CUmemoryPool) -> R {
    choose(asked(location, kind)?, kind, named(pool)?)
}
