//! The API's structures as they arrive: same layout, but plain integers for enumerations, which a
//! caller may have filled with anything.

use cudarc::driver::sys;
use std::mem::{align_of, size_of};

macro_rules! same_layout {
    ($($ours:ident = $theirs:ident;)*) => {
        $(const _: () = assert!(
            size_of::<$ours>() == size_of::<sys::$theirs>()
                && align_of::<$ours>() == align_of::<sys::$theirs>()
        );)*
    };
}

same_layout! {
    Location = CUmemLocation_st;
    AccessDesc = CUmemAccessDesc_st;
    AllocationProp = CUmemAllocationProp_st;
    PoolProps = CUmemPoolProps_st;
    Memcpy2D = CUDA_MEMCPY2D_st;
    Memcpy3D = CUDA_MEMCPY3D_st;
    Memcpy3D = CUDA_MEMCPY3D_PEER_st;
    CopyAttributes = CUmemcpyAttributes_st;
    Operand = CUmemcpy3DOperand_st;
    BatchOp = CUDA_MEMCPY3D_BATCH_OP_st;
    Array2D = CUDA_ARRAY_DESCRIPTOR_st;
    Array3D = CUDA_ARRAY3D_DESCRIPTOR_st;
    MapInfo = CUarrayMapInfo_st;
    ExternalMemory = CUDA_EXTERNAL_MEMORY_HANDLE_DESC_st;
    ExternalMipmap = CUDA_EXTERNAL_MEMORY_MIPMAPPED_ARRAY_DESC_st;
    Resource = CUDA_RESOURCE_DESC_st;
    Texture = CUDA_TEXTURE_DESC_st;
    View = CUDA_RESOURCE_VIEW_DESC_st;
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Location {
    pub kind: u32,
    pub id: i32,
}

/// No preferred place, which only managed pools may have.
pub const ANYWHERE: u32 = 0;
pub const DEVICE: u32 = 1;
pub const HOST: u32 = 2;
pub const HOST_NUMA: u32 = 3;
pub const HOST_NUMA_CURRENT: u32 = 4;
/// A part of a device; the device is in the low byte of the id.
pub const DEVICE_LOCALITY_DOMAIN: u32 = 6;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AccessDesc {
    pub location: Location,
    pub flags: u32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct AllocationProp {
    pub kind: u32,
    pub handle_types: u32,
    pub location: Location,
    pub win32: usize,
    pub compression: u8,
    pub rdma: u8,
    pub usage: u16,
    pub reserved: [u8; 4],
}

pub const PINNED: u32 = 1;
pub const MANAGED: u32 = 2;
pub const POSIX_FD: u32 = 1;

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct PoolProps {
    pub kind: u32,
    pub handle_types: u32,
    pub location: Location,
    pub win32: usize,
    pub max_size: usize,
    pub usage: u16,
    pub rdma: u8,
    pub reserved: [u8; 53],
}

/// Memory types of copies.
pub const OF_HOST: u32 = 1;
pub const OF_DEVICE: u32 = 2;
pub const OF_ARRAY: u32 = 3;
pub const OF_UNIFIED: u32 = 4;

/// One side of a two-dimensional copy.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Side2D {
    pub x: usize,
    pub y: usize,
    pub kind: u32,
    pub host: usize,
    pub device: u64,
    pub array: usize,
    pub pitch: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Memcpy2D {
    pub src: Side2D,
    pub dst: Side2D,
    pub width: usize,
    pub height: usize,
}

/// One side of a three-dimensional copy.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Side3D {
    pub x: usize,
    pub y: usize,
    pub z: usize,
    pub level: usize,
    pub kind: u32,
    pub host: usize,
    pub device: u64,
    pub array: usize,
    /// A context in copies between peers, else reserved.
    pub context: usize,
    pub pitch: usize,
    pub height: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Memcpy3D {
    pub src: Side3D,
    pub dst: Side3D,
    pub width: usize,
    pub height: usize,
    pub depth: usize,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct CopyAttributes {
    pub order: u32,
    pub src: Location,
    pub dst: Location,
    pub flags: u32,
}

/// Pointer or array; the words mean `ptr, row length, layer height, location` or `array, x, y, z`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    pub kind: u32,
    pub words: [usize; 4],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct BatchOp {
    pub src: Operand,
    pub dst: Operand,
    pub extent: [usize; 3],
    pub order: u32,
    pub flags: u32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Array2D {
    pub width: usize,
    pub height: usize,
    pub format: u32,
    pub channels: u32,
}

#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array3D {
    pub width: usize,
    pub height: usize,
    pub depth: usize,
    pub format: u32,
    pub channels: u32,
    pub flags: u32,
}

/// A mapping of sparse memory; the subresource is a part of a level, or a mip tail.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct MapInfo {
    pub resource_kind: u32,
    pub resource: usize,
    pub subresource_kind: u32,
    pub subresource: [u64; 4],
    pub operation: u32,
    pub handle_kind: u32,
    pub handle: u64,
    pub offset: u64,
    pub devices: u32,
    pub flags: u32,
    pub reserved: [u32; 2],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ExternalMemory {
    pub kind: u32,
    pub handle: [usize; 2],
    pub size: u64,
    pub flags: u32,
    pub reserved: [u32; 16],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ExternalMipmap {
    pub offset: u64,
    pub array: Array3D,
    pub levels: u32,
    pub reserved: [u32; 16],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    pub kind: u32,
    pub words: [u64; 16],
    pub flags: u32,
}

/// Kept as it came: only its creator reads it again.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Texture {
    pub words: [u32; 26],
}

#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub words: [u64; 14],
}
