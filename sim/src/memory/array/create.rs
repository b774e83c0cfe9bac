//! Making arrays, describing them, and letting them go.

use super::layout::{self, DEFERRED, Layout, SPARSE, VIDEO};
use super::{ARRAYS, Array, Memory, Tiles, of_handle};
use crate::api::{Call, E, R, given, put, take};
use crate::context::Context;
use crate::device;
use crate::done::{Done, did_bytes};
use crate::memory::abi::{Array2D, Array3D};
use crate::memory::block::{Block, Place};
use crate::memory::{grain, order};
use cudarc::driver::sys::*;
use std::ffi::c_uint;
use std::sync::Arc;

/// Memory for levels of `bytes` in all: tiles that the program maps itself, or the card's at once.
pub(super) fn memory(ctx: &Context, flags: u32, bytes: usize) -> Result<Arc<Memory>, E> {
    Ok(Arc::new(if flags & (SPARSE | DEFERRED) != 0 {
        Memory::Tiles(Block::new(Place::Host, bytes)?, Tiles::default())
    } else {
        Memory::Piece(ctx.memory.allocate(ctx.device.number, bytes)?)
    }))
}

impl Array {
    /// A level that begins at an offset of the memory.
    pub(super) fn make(
        space: u64,
        shape: Array3D,
        memory: Arc<Memory>,
        start: usize,
        dependent: bool,
    ) -> Result<Arc<Array>, E> {
        let (layout, handle) = (Layout::of(&shape)?, ARRAYS.reserve());
        let array = Arc::new(Array { handle, space, shape, layout, start, memory, dependent });
        ARRAYS.insert_at(handle, array.clone());
        Ok(array)
    }

    /// The memory that a deferred or sparse array still needs.
    pub(super) fn tiles(&self) -> Option<&Tiles> {
        match &*self.memory {
            Memory::Tiles(_, tiles) => Some(tiles),
            _ => None,
        }
    }
}

fn create(call: &Call, out: *mut CUarray, shape: Array3D) -> R {
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    layout::check(&shape)?;
    let memory = memory(&ctx, shape.flags, Layout::of(&shape)?.bytes()?)?;
    if shape.flags & (SPARSE | DEFERRED) == 0 {
        did_bytes(Done::Arrays, Layout::of(&shape)?.bytes()?);
    }
    put(out, Array::make(ctx.memory.id, shape, memory, 0, false)?.handle as CUarray)
}

pub fn array_create(call: &Call, out: *mut CUarray, shape: *const CUDA_ARRAY_DESCRIPTOR) -> R {
    given(out)?;
    let Array2D { width, height, format, channels } = take(shape.cast())?;
    create(call, out, Array3D { width, height, depth: 0, format, channels, flags: 0 })
}

pub fn array_create_3d(call: &Call, out: *mut CUarray, shape: *const CUDA_ARRAY3D_DESCRIPTOR) -> R {
    given(out)?;
    create(call, out, take(shape.cast())?)
}

pub fn array_destroy(call: &Call, handle: CUarray) -> R {
    let ctx = call.ctx()?;
    order::unsafe_call(&ctx)?;
    if of_handle(handle as usize)?.dependent {
        return Err(E::INVALID_HANDLE);
    }
    order::synchronize(&ctx)?;
    let array = ARRAYS.remove(handle as usize).ok_or(E::INVALID_HANDLE)?;
    if array.tiles().is_none() {
        did_bytes(Done::ArraysFreed, array.layout.bytes()?);
    }
    ARRAYS.remove_where(|plane| Arc::ptr_eq(&plane.memory, &array.memory));
    Ok(())
}

pub fn array_descriptor(call: &Call, out: *mut CUDA_ARRAY_DESCRIPTOR, handle: CUarray) -> R {
    given(out)?;
    call.ctx()?;
    let Array3D { width, height, format, channels, .. } = of_handle(handle as usize)?.shape;
    put(out.cast(), Array2D { width, height, format, channels })
}

pub fn array_descriptor_3d(call: &Call, out: *mut CUDA_ARRAY3D_DESCRIPTOR, handle: CUarray) -> R {
    given(out)?;
    call.ctx()?;
    put(out.cast(), of_handle(handle as usize)?.shape)
}

/// One plane of a planar picture, as an array of its own.
pub fn array_plane(call: &Call, out: *mut CUarray, handle: CUarray, plane: c_uint) -> R {
    given(out)?;
    call.ctx()?;
    let array = of_handle(handle as usize)?;
    let planes = layout::planes(array.shape.format);
    if plane >= planes || planes == 1 {
        return Err(E::INVALID_VALUE);
    }
    let luma = array.shape.height.max(1);
    let (skipped, height) = match plane {
        0 => (0, luma),
        _ => {
            let each = (array.layout.rows - luma) / (planes as usize - 1);
            (luma + each * (plane as usize - 1), each)
        }
    };
    let format = if array.layout.texel == 1 { 1 } else { 2 };
    let shape = Array3D { height, depth: 0, format, channels: 1, ..array.shape };
    let start = array.start + array.layout.offset(0, skipped, 0);
    let plane = Array::make(array.space, shape, array.memory.clone(), start, true)?;
    put(out, plane.handle as CUarray)
}

/// Only an array without memory needs any.
pub fn array_requirements(
    _: &Call,
    out: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS,
    handle: CUarray,
    on: CUdevice,
) -> R {
    given(out)?;
    let array = of_handle(handle as usize)?;
    device::of(on)?;
    if array.shape.flags & DEFERRED == 0 {
        return Err(E::INVALID_VALUE);
    }
    put(out, requirements(array.layout.bytes()?, array.shape.flags))
}

pub(super) fn requirements(bytes: usize, flags: u32) -> CUDA_ARRAY_MEMORY_REQUIREMENTS {
    let alignment = if flags & VIDEO != 0 { grain::PAGE } else { grain::SPARSE_TILE };
    CUDA_ARRAY_MEMORY_REQUIREMENTS {
        size: bytes.next_multiple_of(alignment),
        alignment,
        reserved: [0; 4],
    }
}
