//! Physical memory and the handles that keep it. It lives until the last handle and the last
//! mapping are gone.

use super::share;
use crate::api::{Call, E, R, given, put, take};
use crate::device;
use crate::done::{Done, did_bytes};
use crate::handles::Table;
use crate::memory::abi::{self, AllocationProp, Location};
use crate::memory::arena::Arena;
use crate::memory::block::{Block, Place};
use crate::memory::range::{self, Kind};
use crate::memory::{grain, vmm};
use cudarc::driver::sys::{CUmemAllocationProp, CUmemGenericAllocationHandle};
use std::ffi::{c_uint, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

pub struct Physical {
    pub block: Arc<Block>,
    pub props: AllocationProp,
    /// The file other processes can open, if it was asked for.
    pub arena: Option<Arc<Arena>>,
    /// The handle last given for it.
    handle: AtomicUsize,
}

pub struct Handle {
    pub physical: Arc<Physical>,
    uses: AtomicU32,
}

impl Drop for Physical {
    fn drop(&mut self) {
        if matches!(self.block.place, Place::Card(_)) {
            did_bytes(Done::VmmFreed, self.block.bytes);
        }
    }
}

static HANDLES: Table<Handle> = Table::new(41);

pub fn named(handle: CUmemGenericAllocationHandle) -> Result<Arc<Physical>, E> {
    let handle = HANDLES.get(handle as usize).ok_or(E::INVALID_VALUE)?;
    Ok(handle.physical.clone())
}

impl Physical {
    pub fn new(
        block: Arc<Block>,
        props: AllocationProp,
        arena: Option<Arc<Arena>>,
    ) -> Arc<Physical> {
        Arc::new(Physical { block, props, arena, handle: AtomicUsize::new(0) })
    }

    /// A new handle for it.
    pub fn give(self: &Arc<Physical>) -> CUmemGenericAllocationHandle {
        let handle = Handle { physical: self.clone(), uses: AtomicU32::new(1) };
        let value = HANDLES.insert(Arc::new(handle));
        self.handle.store(value, Ordering::Release);
        value as CUmemGenericAllocationHandle
    }

    /// One more use of a handle it still has, else a new one.
    fn again(self: &Arc<Physical>) -> CUmemGenericAllocationHandle {
        let value = self.handle.load(Ordering::Acquire);
        let once_more = |uses: u32| (uses > 0).then_some(uses + 1);
        let counted = HANDLES.get(value).is_some_and(|handle| {
            handle.uses.fetch_update(Ordering::AcqRel, Ordering::Acquire, once_more).is_ok()
        });
        if counted { value as CUmemGenericAllocationHandle } else { self.give() }
    }
}

/// Where memory with these properties is.
pub fn place(location: Location) -> Result<Place, E> {
    let card = |ordinal: i32| Ok(Place::Card(device::of(ordinal)?.number));
    match location.kind {
        abi::DEVICE => card(location.id),
        abi::DEVICE_LOCALITY_DOMAIN => card(location.id & 0xff),
        abi::HOST | abi::HOST_NUMA | abi::HOST_NUMA_CURRENT => Ok(Place::Host),
        _ => Err(E::INVALID_VALUE),
    }
}

fn checked(props: *const CUmemAllocationProp) -> Result<(AllocationProp, Place), E> {
    let props = take(props.cast::<AllocationProp>())?;
    if props.kind != abi::PINNED || props.compression > 1 {
        return Err(E::INVALID_VALUE);
    }
    let place = place(props.location)?;
    match props.handle_types {
        0 | abi::POSIX_FD => Ok((props, place)),
        _ => Err(E::NOT_SUPPORTED),
    }
}

pub fn create(
    _: &Call,
    out: *mut CUmemGenericAllocationHandle,
    bytes: usize,
    props: *const CUmemAllocationProp,
    flags: u64,
) -> R {
    given(out)?;
    let (props, place) = checked(props)?;
    if bytes == 0 || !vmm::is_granular(bytes) || flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let (block, arena) = match props.handle_types {
        0 => (Block::new(place, bytes)?, None),
        _ => {
            let (block, arena) = share::create(place, bytes)?;
            (block, Some(arena))
        }
    };
    if matches!(place, Place::Card(_)) {
        did_bytes(Done::Vmm, bytes);
    }
    put(out, Physical::new(block, props, arena).give())
}

pub fn release(_: &Call, handle: CUmemGenericAllocationHandle) -> R {
    let value = handle as usize;
    let handle = HANDLES.get(value).ok_or(E::INVALID_VALUE)?;
    let one_less = |uses: u32| uses.checked_sub(1);
    match handle.uses.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less) {
        Ok(1) => HANDLES.remove(value).map(drop).ok_or(E::INVALID_VALUE),
        Ok(_) => Ok(()),
        Err(_) => Err(E::INVALID_VALUE),
    }
}

/// The memory under an address gets one more handle use, to be released like any other.
pub fn retain(_: &Call, out: *mut CUmemGenericAllocationHandle, address: *mut c_void) -> R {
    given(out)?;
    let range = range::find(address as usize).ok_or(E::INVALID_VALUE)?;
    match &range.kind {
        Kind::Mapping(access) => put(out, access.physical.again()),
        _ => Err(E::INVALID_VALUE),
    }
}

pub fn properties(
    _: &Call,
    out: *mut CUmemAllocationProp,
    handle: CUmemGenericAllocationHandle,
) -> R {
    given(out)?;
    put(out.cast::<AllocationProp>(), named(handle)?.props)
}

pub fn granularity(
    _: &Call,
    out: *mut usize,
    props: *const CUmemAllocationProp,
    option: c_uint,
) -> R {
    given(out)?;
    checked(props)?;
    if option > 1 {
        return Err(E::INVALID_VALUE);
    }
    put(out, grain::PAGE)
}
