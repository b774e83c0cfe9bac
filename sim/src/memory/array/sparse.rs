//! Arrays that get their memory tile by tile, out of physical memory the program made.

use super::layout::{Layout, SPARSE};
use super::{mipmap_of_handle, of_handle};
use crate::api::{Call, E, R, given, put, take_many};
use crate::memory::abi::{Array3D, MapInfo};
use crate::memory::grain::SPARSE_TILE;
use crate::memory::order;
use crate::memory::vmm::{self, Physical};
use cudarc::driver::sys::*;
use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::sync::{Arc, Mutex, PoisonError};

/// What is mapped where; it keeps the memory alive.
#[derive(Default)]
pub struct Tiles {
    mapped: Mutex<BTreeMap<Place, Arc<Physical>>>,
}

/// Kind and words of a subresource, as the caller named it.
type Place = (u32, [u64; 4]);

/// Elements of a tile, by bytes of an element: flat and volume.
fn tile(texel: usize, volume: bool) -> Option<[u32; 3]> {
    let shapes: [([u32; 3], [u32; 3]); 5] = [
        ([256, 256, 1], [64, 32, 32]),
        ([256, 128, 1], [32, 32, 32]),
        ([128, 128, 1], [32, 32, 16]),
        ([128, 64, 1], [32, 16, 16]),
        ([64, 64, 1], [16, 16, 16]),
    ];
    let power = texel.is_power_of_two().then(|| texel.ilog2() as usize)?;
    let (flat, deep) = shapes.get(power)?;
    Some(if volume { *deep } else { *flat })
}

fn properties(top: &Array3D, levels: &[Array3D]) -> Result<CUDA_ARRAY_SPARSE_PROPERTIES, E> {
    if top.flags & SPARSE == 0 {
        return Err(E::INVALID_VALUE);
    }
    let volume =
        top.depth > 0 && top.flags & (super::layout::LAYERED | super::layout::CUBEMAP) == 0;
    let [width, height, depth] = tile(Layout::of(top)?.texel, volume).ok_or(E::INVALID_VALUE)?;
    let smaller = |level: &Array3D| {
        level.width < width as usize
            || level.height < height as usize
            || (volume && level.depth < depth as usize)
    };
    // The levels smaller than a tile share the tail.
    let first = levels.iter().position(smaller).unwrap_or(levels.len());
    let tail = levels[first..]
        .iter()
        .try_fold(0, |sum, level| Ok::<_, E>(sum + Layout::of(level)?.bytes()?))?;
    Ok(CUDA_ARRAY_SPARSE_PROPERTIES {
        tileExtent: CUDA_ARRAY_SPARSE_PROPERTIES_st__bindgen_ty_1 { width, height, depth },
        miptailFirstLevel: first as c_uint,
        miptailSize: tail.next_multiple_of(SPARSE_TILE) as u64,
        flags: 0,
        reserved: [0; 4],
    })
}

pub fn array_sparse(_: &Call, out: *mut CUDA_ARRAY_SPARSE_PROPERTIES, handle: CUarray) -> R {
    given(out)?;
    let shape = of_handle(handle as usize)?.shape;
    put(out, properties(&shape, &[shape])?)
}

pub fn mipmap_sparse(
    _: &Call,
    out: *mut CUDA_ARRAY_SPARSE_PROPERTIES,
    handle: CUmipmappedArray,
) -> R {
    given(out)?;
    let mipmap = mipmap_of_handle(handle as usize)?;
    let levels: Vec<_> = mipmap.levels.iter().map(|level| level.shape).collect();
    put(out, properties(&mipmap.shape, &levels)?)
}

const OF_MIPMAP: u32 = 1;
const MAP: u32 = 1;
const UNMAP: u32 = 2;
/// Physical memory made to be mapped in tiles says so.
const TILE_POOL: u16 = 1;

/// Maps and unmaps in the stream's turn; checked as a whole before any of it happens.
pub fn map_arrays(call: &Call, list: *mut CUarrayMapInfo, count: c_uint, stream: CUstream) -> R {
    let ctx = call.ctx()?;
    let list = take_many(list.cast::<MapInfo>(), count as usize)?;
    let changes = list.iter().map(|info| {
        let array = match info.resource_kind {
            0 => of_handle(info.resource)?,
            OF_MIPMAP => mipmap_of_handle(info.resource)?.levels[0].clone(),
            _ => return Err(E::INVALID_VALUE),
        };
        array.tiles().ok_or(E::INVALID_VALUE)?;
        let memory = match info.operation {
            MAP if info.handle_kind == 0 => Some(tile_memory(info)?),
            UNMAP => None,
            _ => return Err(E::INVALID_VALUE),
        };
        if info.flags != 0 || info.devices != 1 << ctx.device.ordinal || info.subresource_kind > 1 {
            return Err(E::INVALID_VALUE);
        }
        Ok((array, (info.subresource_kind, info.subresource), memory))
    });
    let changes = changes.collect::<Result<Vec<_>, E>>()?;
    order::run(call, &ctx, stream, move || {
        for (array, place, memory) in changes {
            let Some(tiles) = array.tiles() else { continue };
            let mut mapped = tiles.mapped.lock().unwrap_or_else(PoisonError::into_inner);
            match memory {
                Some(memory) => mapped.insert(place, memory),
                None => mapped.remove(&place),
            };
        }
    })
}

fn tile_memory(info: &MapInfo) -> Result<Arc<Physical>, E> {
    let physical = vmm::named(info.handle)?;
    let offset = usize::try_from(info.offset).or(Err(E::INVALID_VALUE))?;
    let fits = offset.is_multiple_of(SPARSE_TILE) && offset < physical.block.bytes;
    let made_for_it = physical.props.usage & TILE_POOL != 0;
    if fits && made_for_it { Ok(physical) } else { Err(E::INVALID_VALUE) }
}
