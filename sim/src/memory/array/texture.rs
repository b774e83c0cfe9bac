//! Texture and surface objects: remembered descriptions, checked against what they describe.

use super::{mipmap_of_handle, of_handle};
use crate::api::{Call, E, R, given, put, take};
use crate::handles::Table;
use crate::memory::abi::{Resource, Texture, View};
use crate::memory::range;
use cudarc::driver::sys::*;
use std::sync::Arc;

struct Object {
    space: u64,
    resource: Resource,
    texture: Option<Texture>,
    view: Option<View>,
}

static TEXTURES: Table<Object> = Table::new(44);
static SURFACES: Table<Object> = Table::new(45);

pub(super) fn destroy_of(space: u64) {
    TEXTURES.remove_where(|object| object.space == space);
    SURFACES.remove_where(|object| object.space == space);
}

const OF_ARRAY: u32 = 0;
const OF_MIPMAP: u32 = 1;
const OF_LINEAR: u32 = 2;
const OF_PITCH: u32 = 3;

fn checked(resource: *const CUDA_RESOURCE_DESC) -> Result<Resource, E> {
    let resource = take(resource.cast::<Resource>())?;
    let first = resource.words[0] as usize;
    match resource.kind {
        OF_ARRAY => of_handle(first).map(drop)?,
        OF_MIPMAP => mipmap_of_handle(first).map(drop)?,
        OF_LINEAR | OF_PITCH => range::find(first).map(drop).ok_or(E::INVALID_VALUE)?,
        _ => return Err(E::INVALID_VALUE),
    }
    if resource.flags == 0 { Ok(resource) } else { Err(E::INVALID_VALUE) }
}

pub fn texture_create(
    call: &Call,
    out: *mut CUtexObject,
    resource: *const CUDA_RESOURCE_DESC,
    texture: *const CUDA_TEXTURE_DESC,
    view: *const CUDA_RESOURCE_VIEW_DESC,
) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let resource = checked(resource)?;
    let texture = Some(take(texture.cast::<Texture>())?);
    let view = if view.is_null() { None } else { Some(take(view.cast::<View>())?) };
    if view.is_some() && matches!(resource.kind, OF_LINEAR | OF_PITCH) {
        return Err(E::INVALID_VALUE);
    }
    let object = Object { space: ctx.memory.id, resource, texture, view };
    put(out, TEXTURES.insert(Arc::new(object)) as CUtexObject)
}

fn texture(call: &Call, handle: CUtexObject) -> Result<Arc<Object>, E> {
    call.ctx()?;
    TEXTURES.get(handle as usize).ok_or(E::INVALID_VALUE)
}

pub fn texture_destroy(call: &Call, handle: CUtexObject) -> R {
    call.ctx()?;
    TEXTURES.remove(handle as usize).map(drop).ok_or(E::INVALID_VALUE)
}

pub fn texture_resource(call: &Call, out: *mut CUDA_RESOURCE_DESC, handle: CUtexObject) -> R {
    given(out)?;
    put(out.cast::<Resource>(), texture(call, handle)?.resource)
}

pub fn texture_description(call: &Call, out: *mut CUDA_TEXTURE_DESC, handle: CUtexObject) -> R {
    given(out)?;
    put(out.cast::<Texture>(), texture(call, handle)?.texture.ok_or(E::INVALID_VALUE)?)
}

pub fn texture_view(call: &Call, out: *mut CUDA_RESOURCE_VIEW_DESC, handle: CUtexObject) -> R {
    given(out)?;
    put(out.cast::<View>(), texture(call, handle)?.view.ok_or(E::INVALID_VALUE)?)
}

/// Surfaces are of arrays made for loads and stores.
pub fn surface_create(
    call: &Call,
    out: *mut CUsurfObject,
    resource: *const CUDA_RESOURCE_DESC,
) -> R {
    given(out)?;
    let ctx = call.ctx()?;
    let resource = checked(resource)?;
    if resource.kind != OF_ARRAY {
        return Err(E::INVALID_VALUE);
    }
    let flags = of_handle(resource.words[0] as usize)?.shape.flags;
    if flags & super::layout::SURFACE == 0 {
        return Err(E::INVALID_VALUE);
    }
    let object = Object { space: ctx.memory.id, resource, texture: None, view: None };
    put(out, SURFACES.insert(Arc::new(object)) as CUsurfObject)
}

pub fn surface_destroy(call: &Call, handle: CUsurfObject) -> R {
    call.ctx()?;
    SURFACES.remove(handle as usize).map(drop).ok_or(E::INVALID_VALUE)
}

pub fn surface_resource(call: &Call, out: *mut CUDA_RESOURCE_DESC, handle: CUsurfObject) -> R {
    given(out)?;
    call.ctx()?;
    let object = SURFACES.get(handle as usize).ok_or(E::INVALID_VALUE)?;
    put(out.cast::<Resource>(), object.resource)
}
