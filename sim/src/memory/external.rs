//! Memory that another API made, imported by file descriptor. Its maker pays for it.

use super::abi::{Array3D, ExternalMemory, ExternalMipmap};
use super::arena::Arena;
use super::block::{Block, Place};
use super::range::{self, Backing, Kind, Owner, Range};
use super::{array, grain, window};
use crate::api::{Call, E, R, given, put, take};
use crate::handles::Table;
use cudarc::driver::sys::*;
use std::fs::File;
use std::os::fd::{FromRawFd, IntoRawFd};
use std::sync::Arc;

/// An import; mappings keep the memory when it is destroyed.
struct External {
    space: u64,
    block: Arc<Block>,
}

static IMPORTS: Table<External> = Table::new(46);

const OPAQUE_FD: u32 = 1;
const KNOWN_KINDS: std::ops::RangeInclusive<u32> = 1..=9;
const DEDICATED: u32 = 1;

/// On success the descriptor is the driver's.
pub fn import(
    call: &Call,
    out: *mut CUexternalMemory,
    description: *const CUDA_EXTERNAL_MEMORY_HANDLE_DESC,
) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let description = take(description.cast::<ExternalMemory>())?;
    if !KNOWN_KINDS.contains(&description.kind) || description.flags & !DEDICATED != 0 {
        return Err(E::INVALID_VALUE);
    }
    if description.kind != OPAQUE_FD {
        return Err(E::NOT_SUPPORTED);
    }
    let (fd, bytes) = (description.handle[0] as i32, description.size as usize);
    if bytes == 0 || fd < 0 {
        return Err(E::INVALID_VALUE);
    }
    // SAFETY: handed over by the caller; given back untouched unless the import succeeds.
    let file = unsafe { File::from_raw_fd(fd) };
    let imported = adopt(&file, bytes, ctx.device.number);
    match imported {
        Ok(block) => {
            let external = External { space: ctx.memory.id, block };
            put(out, IMPORTS.insert(Arc::new(external)) as CUexternalMemory)
        }
        Err(error) => {
            let _ = file.into_raw_fd();
            Err(error)
        }
    }
}

fn adopt(file: &File, bytes: usize, card: usize) -> Result<Arc<Block>, E> {
    let len = file.metadata().or(Err(E::INVALID_VALUE))?.len();
    if len < bytes as u64 {
        return Err(E::INVALID_VALUE);
    }
    let file = file.try_clone().or(Err(E::OPERATING_SYSTEM))?;
    let arena = Arena::adopt(file, 0, bytes)?;
    Ok(Block::foreign(arena, 0, bytes, Place::Card(card)))
}

fn named(handle: CUexternalMemory) -> Result<Arc<External>, E> {
    IMPORTS.get(handle as usize).ok_or(E::INVALID_HANDLE)
}

/// The address is given back with `cuMemFree`.
pub fn mapped_buffer(
    call: &Call,
    out: *mut CUdeviceptr,
    handle: CUexternalMemory,
    description: *const CUDA_EXTERNAL_MEMORY_BUFFER_DESC,
) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let external = named(handle)?;
    let description = take(description)?;
    let (offset, bytes) = (description.offset as usize, description.size as usize);
    let inside = offset.checked_add(bytes).is_some_and(|end| end <= external.block.bytes);
    if !inside || bytes == 0 || description.flags != 0 {
        return Err(E::INVALID_VALUE);
    }
    let va = Arc::new(window::take(bytes.next_multiple_of(grain::ADDRESS), grain::PAGE)?);
    let base = va.base;
    let backing = Backing::Block { block: external.block.clone(), offset, _va: Some(va) };
    range::insert(Range::new(base, bytes, Kind::External, Owner::of(&ctx), backing));
    put(out, base as CUdeviceptr)
}

pub fn mapped_mipmap(
    call: &Call,
    out: *mut CUmipmappedArray,
    handle: CUexternalMemory,
    description: *const CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC,
) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let external = named(handle)?;
    let description = take(description.cast::<ExternalMipmap>())?;
    let (offset, shape): (usize, Array3D) = (description.offset as usize, description.array);
    put(out, array::mipmap_over(&ctx, &external.block, offset, shape, description.levels)?)
}

pub fn destroy(call: &Call, handle: CUexternalMemory) -> R {
    call.ctx()?;
    IMPORTS.remove(handle as usize).map(drop).ok_or(E::INVALID_HANDLE)
}

pub fn destroy_of(space: u64) {
    IMPORTS.remove_where(|external| external.space == space);
}
