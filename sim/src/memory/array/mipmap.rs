//! Mipmaps: arrays of ever smaller levels in one piece of memory.

use super::create::{memory, requirements};
use super::layout::{self, DEFERRED, Layout};
use super::{ARRAYS, Array, Memory};
use crate::api::{Call, E, R, given, put, take};
use crate::context::Context;
use crate::device;
use crate::done::{Done, did};
use crate::handles::Table;
use crate::memory::abi::Array3D;
use crate::memory::block::Block;
use crate::memory::order;
use cudarc::driver::sys::*;
use std::ffi::c_uint;
use std::sync::Arc;

pub struct Mipmap {
    pub handle: usize,
    space: u64,
    pub shape: Array3D,
    pub levels: Vec<Arc<Array>>,
    bytes: usize,
}

static MIPMAPS: Table<Mipmap> = Table::new(43);

/// The mipmap a program means by this handle.
pub fn mipmap_of_handle(handle: usize) -> Result<Arc<Mipmap>, E> {
    MIPMAPS.get(handle).ok_or(E::INVALID_HANDLE)
}

pub(super) fn destroy_of(space: u64) {
    MIPMAPS.remove_where(|mipmap| mipmap.space == space);
}

/// As many levels as asked for, but no more than it takes to get down to one texel.
fn plan(shape: &Array3D, levels: u32) -> Result<(Vec<Array3D>, Vec<usize>, usize), E> {
    layout::check(shape)?;
    let stays = shape.flags & (layout::LAYERED | layout::CUBEMAP) != 0;
    let volume = if stays { 1 } else { shape.depth };
    let longest = shape.width.max(shape.height).max(volume);
    let most = longest.ilog2() + 1;
    if levels == 0 {
        return Err(E::INVALID_VALUE);
    }
    let shapes: Vec<_> = (0..levels.min(most)).map(|at| layout::level(shape, at)).collect();
    let (mut starts, mut end) = (Vec::new(), 0usize);
    for level in &shapes {
        starts.push(end);
        end = end.checked_add(Layout::of(level)?.bytes()?).ok_or(E::OUT_OF_MEMORY)?;
    }
    Ok((shapes, starts, end))
}

fn make(
    space: u64,
    shape: Array3D,
    levels: u32,
    memory: impl FnOnce(usize) -> Result<Arc<Memory>, E>,
) -> Result<Arc<Mipmap>, E> {
    let (shapes, starts, bytes) = plan(&shape, levels)?;
    let memory = memory(bytes)?;
    let of_level = |(shape, start)| Array::make(space, shape, memory.clone(), start, true);
    let levels = shapes.into_iter().zip(starts).map(of_level).collect::<Result<_, _>>()?;
    let handle = MIPMAPS.reserve();
    let mipmap = Arc::new(Mipmap { handle, space, shape, levels, bytes });
    MIPMAPS.insert_at(handle, mipmap.clone());
    Ok(mipmap)
}

/// Over memory somebody else pays for.
pub fn mipmap_over(
    ctx: &Context,
    block: &Arc<Block>,
    offset: usize,
    shape: Array3D,
    levels: u32,
) -> Result<CUmipmappedArray, E> {
    let mipmap = make(ctx.memory.id, shape, levels, |bytes| {
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= block.bytes);
        let memory = || Arc::new(Memory::External(block.clone(), offset));
        inside.then(memory).ok_or(E::INVALID_VALUE)
    })?;
    Ok(mipmap.handle as CUmipmappedArray)
}

pub fn mipmap_create(
    call: &Call,
    out: *mut CUmipmappedArray,
    shape: *const CUDA_ARRAY3D_DESCRIPTOR,
    levels: c_uint,
) -> R {
    given(out)?;
    let shape: Array3D = take(shape.cast())?;
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    let mipmap = make(ctx.memory.id, shape, levels, |bytes| memory(&ctx, shape.flags, bytes))?;
    did(Done::Mipmaps);
    put(out, mipmap.handle as CUmipmappedArray)
}

pub fn mipmap_destroy(call: &Call, handle: CUmipmappedArray) -> R {
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    mipmap_of_handle(handle as usize)?;
    order::synchronize(&ctx)?;
    let mipmap = MIPMAPS.remove(handle as usize).ok_or(E::INVALID_HANDLE)?;
    did(Done::MipmapsFreed);
    for level in &mipmap.levels {
        ARRAYS.remove(level.handle);
    }
    Ok(())
}

pub fn mipmap_level(call: &Call, out: *mut CUarray, handle: CUmipmappedArray, level: c_uint) -> R {
    given(out)?;
    call.ctx()?;
    let mipmap = mipmap_of_handle(handle as usize)?;
    let level = mipmap.levels.get(level as usize).ok_or(E::INVALID_VALUE)?;
    put(out, level.handle as CUarray)
}

pub fn mipmap_requirements(
    _: &Call,
    out: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS,
    handle: CUmipmappedArray,
    on: CUdevice,
) -> R {
    given(out)?;
    let mipmap = mipmap_of_handle(handle as usize)?;
    device::of(on)?;
    if mipmap.shape.flags & DEFERRED == 0 {
        return Err(E::INVALID_VALUE);
    }
    put(out, requirements(mipmap.bytes, mipmap.shape.flags))
}
