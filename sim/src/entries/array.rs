//! Entry points: arrays, mipmaps, textures and surfaces.

use std::ffi::c_uint;

use cudarc::driver::sys::*;

use crate::memory::array;

entries! {
    [cuArrayCreate_v2] (out: *mut CUarray, shape: *const CUDA_ARRAY_DESCRIPTOR) => array::array_create;
    [cuArray3DCreate_v2] (out: *mut CUarray, shape: *const CUDA_ARRAY3D_DESCRIPTOR) => array::array_create_3d;
    [cuArrayDestroy] (array: CUarray) => array::array_destroy;
    [cuArrayGetDescriptor_v2] (out: *mut CUDA_ARRAY_DESCRIPTOR, array: CUarray) => array::array_descriptor;
    [cuArray3DGetDescriptor_v2] (out: *mut CUDA_ARRAY3D_DESCRIPTOR, array: CUarray) => array::array_descriptor_3d;
    [cuArrayGetPlane] (out: *mut CUarray, array: CUarray, plane: c_uint) => array::array_plane;
    [cuArrayGetMemoryRequirements] (out: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS, array: CUarray, device: CUdevice) => array::array_requirements;
    [cuArrayGetSparseProperties] (out: *mut CUDA_ARRAY_SPARSE_PROPERTIES, array: CUarray) => array::array_sparse;

    [cuMipmappedArrayCreate] (out: *mut CUmipmappedArray, shape: *const CUDA_ARRAY3D_DESCRIPTOR, levels: c_uint) => array::mipmap_create;
    [cuMipmappedArrayDestroy] (mipmap: CUmipmappedArray) => array::mipmap_destroy;
    [cuMipmappedArrayGetLevel] (out: *mut CUarray, mipmap: CUmipmappedArray, level: c_uint) => array::mipmap_level;
    [cuMipmappedArrayGetMemoryRequirements] (out: *mut CUDA_ARRAY_MEMORY_REQUIREMENTS, mipmap: CUmipmappedArray, device: CUdevice) => array::mipmap_requirements;
    [cuMipmappedArrayGetSparseProperties] (out: *mut CUDA_ARRAY_SPARSE_PROPERTIES, mipmap: CUmipmappedArray) => array::mipmap_sparse;
    [cuMemMapArrayAsync cuMemMapArrayAsync_ptsz] (list: *mut CUarrayMapInfo, count: c_uint, stream: CUstream) => array::map_arrays;

    [cuTexObjectCreate] (out: *mut CUtexObject, resource: *const CUDA_RESOURCE_DESC, texture: *const CUDA_TEXTURE_DESC, view: *const CUDA_RESOURCE_VIEW_DESC) => array::texture_create;
    [cuTexObjectDestroy] (texture: CUtexObject) => array::texture_destroy;
    [cuTexObjectGetResourceDesc] (out: *mut CUDA_RESOURCE_DESC, texture: CUtexObject) => array::texture_resource;
    [cuTexObjectGetTextureDesc] (out: *mut CUDA_TEXTURE_DESC, texture: CUtexObject) => array::texture_description;
    [cuTexObjectGetResourceViewDesc] (out: *mut CUDA_RESOURCE_VIEW_DESC, texture: CUtexObject) => array::texture_view;
    [cuSurfObjectCreate] (out: *mut CUsurfObject, resource: *const CUDA_RESOURCE_DESC) => array::surface_create;
    [cuSurfObjectDestroy] (surface: CUsurfObject) => array::surface_destroy;
    [cuSurfObjectGetResourceDesc] (out: *mut CUDA_RESOURCE_DESC, surface: CUsurfObject) => array::surface_resource;
}
