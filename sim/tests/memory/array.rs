//! Arrays: their bytes, their descriptions, and copies by coordinates.

use crate::driver::{MIB, alone, cu, free, ok, start};
use cudarc::driver::sys::*;
use std::ptr::null_mut;

use CUarray_format_enum as F;

fn shape(
    width: usize,
    height: usize,
    depth: usize,
    format: CUarray_format,
    flags: u32,
) -> CUDA_ARRAY3D_DESCRIPTOR {
    CUDA_ARRAY3D_DESCRIPTOR {
        Width: width,
        Height: height,
        Depth: depth,
        Format: format,
        NumChannels: 4,
        Flags: flags,
    }
}

fn create(shape: CUDA_ARRAY3D_DESCRIPTOR) -> CUarray {
    let mut array = null_mut();
    ok!(cuArray3DCreate_v2(&mut array, &shape));
    array
}

#[test]
fn bytes_are_those_of_the_shape() {
    alone("array::bytes_are_those_of_the_shape", 256 * MIB, || {
        start();
        for (shape, expected) in [
            (shape(1024, 1024, 0, F::CU_AD_FORMAT_FLOAT, 0), 16 * MIB),
            (shape(128, 128, 128, F::CU_AD_FORMAT_HALF, 0), 16 * MIB),
            (shape(1024, 1024, 6, F::CU_AD_FORMAT_UNSIGNED_INT8, 4), 24 * MIB),
            (shape(1024, 0, 1024, F::CU_AD_FORMAT_UNSIGNED_INT8, 1), 4 * MIB),
            (shape(4096, 4096, 0, F::CU_AD_FORMAT_BC1_UNORM, 0), 8 * MIB),
            (shape(4096, 4096, 0, F::CU_AD_FORMAT_UNSIGNED_INT8, 64), 0),
        ] {
            let array = create(shape);
            assert_eq!(256 * MIB - free(), expected, "{shape:?}");
            let mut told = shape;
            told.Width = 0;
            ok!(cuArray3DGetDescriptor_v2(&mut told, array));
            assert_eq!(told, shape);
            ok!(cuArrayDestroy(array));
            assert_eq!(cu!(cuArrayDestroy(array)), 400);
            assert_eq!(free(), 256 * MIB);
        }
    });
}

#[test]
fn a_mipmap_takes_all_its_levels() {
    alone("array::a_mipmap_takes_all_its_levels", 256 * MIB, || {
        start();
        let mut mipmap = null_mut();
        let top = shape(2048, 2048, 0, F::CU_AD_FORMAT_FLOAT, 0);
        ok!(cuMipmappedArrayCreate(&mut mipmap, &top, 3));
        // 64 + 16 + 4.
        assert_eq!(256 * MIB - free(), 84 * MIB);
        let mut level = null_mut();
        ok!(cuMipmappedArrayGetLevel(&mut level, mipmap, 2));
        let mut told = top;
        ok!(cuArray3DGetDescriptor_v2(&mut told, level));
        assert_eq!((told.Width, told.Height), (512, 512));
        assert_eq!(cu!(cuMipmappedArrayGetLevel(&mut level, mipmap, 3)), 1);
        assert_eq!(cu!(cuArrayDestroy(level)), 400);
        ok!(cuMipmappedArrayDestroy(mipmap));
        assert_eq!(free(), 256 * MIB);
        assert_eq!(cu!(cuMipmappedArrayDestroy(mipmap)), 400);
    });
}

#[test]
fn the_card_is_full_to_the_last_page() {
    alone("array::the_card_is_full_to_the_last_page", 64 * MIB, || {
        start();
        let four = shape(512, 512, 0, F::CU_AD_FORMAT_FLOAT, 0);
        let all: Vec<CUarray> = (0..16).map(|_| create(four)).collect();
        let mut array = null_mut();
        let tiny = shape(1, 0, 0, F::CU_AD_FORMAT_UNSIGNED_INT8, 0);
        assert_eq!(cu!(cuArray3DCreate_v2(&mut array, &tiny)), 2);
        ok!(cuArrayDestroy(all[3]));
        ok!(cuArray3DCreate_v2(&mut array, &tiny));
    });
}

#[test]
fn copies_go_by_coordinates() {
    alone("array::copies_go_by_coordinates", 64 * MIB, || {
        start();
        let array = create(shape(25, 10, 0, F::CU_AD_FORMAT_UNSIGNED_INT8, 2));
        let bytes: Vec<u8> = (0..1000).map(|index| (index % 253) as u8).collect();
        let mut copy = CUDA_MEMCPY2D {
            srcXInBytes: 0,
            srcY: 0,
            srcMemoryType: CUmemorytype::CU_MEMORYTYPE_HOST,
            srcHost: bytes.as_ptr().cast(),
            srcDevice: 0,
            srcArray: null_mut(),
            srcPitch: 100,
            dstXInBytes: 0,
            dstY: 0,
            dstMemoryType: CUmemorytype::CU_MEMORYTYPE_ARRAY,
            dstHost: null_mut(),
            dstDevice: 0,
            dstArray: array,
            dstPitch: 0,
            WidthInBytes: 100,
            Height: 10,
        };
        ok!(cuMemcpy2D_v2(&copy));
        let mut row = [0u8; 100];
        ok!(cuMemcpyAtoH_v2(row.as_mut_ptr().cast(), array, 0, 100));
        assert_eq!(row, bytes[..100]);
        assert_eq!(cu!(cuMemcpyAtoH_v2(row.as_mut_ptr().cast(), array, 1, 100)), 1);
        copy.dstY = 1;
        assert_eq!(cu!(cuMemcpy2D_v2(&copy)), 1);
        copy.dstArray = null_mut();
        assert_eq!(cu!(cuMemcpy2D_v2(&copy)), 400);
        surfaces(array);
    });
}

fn surfaces(array: CUarray) {
    // SAFETY: numbers and unions of numbers and null pointers.
    let mut resource: CUDA_RESOURCE_DESC = unsafe { std::mem::zeroed() };
    resource.res.array.hArray = array;
    let mut surface = 0;
    ok!(cuSurfObjectCreate(&mut surface, &resource));
    ok!(cuSurfObjectDestroy(surface));
    assert_eq!(cu!(cuSurfObjectDestroy(surface)), 1);
    let plain = create(shape(25, 10, 0, F::CU_AD_FORMAT_UNSIGNED_INT8, 0));
    resource.res.array.hArray = plain;
    assert_eq!(cu!(cuSurfObjectCreate(&mut surface, &resource)), 1);
}

#[test]
fn deferred_arrays_say_what_they_need() {
    alone("array::deferred_arrays_say_what_they_need", 64 * MIB, || {
        start();
        let array = create(shape(512, 512, 0, F::CU_AD_FORMAT_FLOAT, 128));
        assert_eq!(free(), 64 * MIB);
        // SAFETY: plain numbers.
        let mut needs: CUDA_ARRAY_MEMORY_REQUIREMENTS = unsafe { std::mem::zeroed() };
        ok!(cuArrayGetMemoryRequirements(&mut needs, array, 0));
        assert_eq!(needs.size, 4 * MIB);
        let plain = create(shape(512, 512, 0, F::CU_AD_FORMAT_FLOAT, 0));
        assert_eq!(cu!(cuArrayGetMemoryRequirements(&mut needs, plain, 0)), 1);
        let sparse = create(shape(512, 512, 0, F::CU_AD_FORMAT_FLOAT, 64));
        // SAFETY: plain numbers.
        let mut told: CUDA_ARRAY_SPARSE_PROPERTIES = unsafe { std::mem::zeroed() };
        ok!(cuArrayGetSparseProperties(&mut told, sparse));
        let tile = told.tileExtent;
        assert_eq!((tile.width, tile.height, tile.depth), (64, 64, 1));
        assert_eq!(cu!(cuArrayGetSparseProperties(&mut told, plain)), 1);
    });
}

#[test]
fn tiles_keep_the_memory_mapped_to_them() {
    alone("array::tiles_keep_the_memory_mapped_to_them", 64 * MIB, || {
        start();
        let sparse = create(shape(512, 512, 0, F::CU_AD_FORMAT_FLOAT, 64));
        // SAFETY: plain numbers; the two enumerations are set to values that they have.
        let mut prop: CUmemAllocationProp = unsafe { std::mem::zeroed() };
        prop.type_ = CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
        prop.location.type_ = CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
        let (mut plain, mut tiles) = (0, 0);
        ok!(cuMemCreate(&mut plain, 2 * MIB, &prop, 0));
        prop.allocFlags.usage = 1;
        ok!(cuMemCreate(&mut tiles, 2 * MIB, &prop, 0));
        // SAFETY: numbers, null pointers, and enumerations that have the values set below.
        let mut info: CUarrayMapInfo = unsafe { std::mem::MaybeUninit::zeroed().assume_init() };
        info.resource.array = sparse;
        info.memOperationType = CUmemOperationType::CU_MEM_OPERATION_TYPE_MAP;
        info.deviceBitMask = 1;
        info.memHandle.memHandle = plain;
        assert_eq!(cu!(cuMemMapArrayAsync(&mut info, 1, null_mut())), 1);
        info.memHandle.memHandle = tiles;
        ok!(cuMemMapArrayAsync(&mut info, 1, null_mut()));
        ok!(cuStreamSynchronize(null_mut()));
        ok!(cuMemRelease(plain));
        ok!(cuMemRelease(tiles));
        assert_eq!(free(), 62 * MIB);
        info.memOperationType = CUmemOperationType::CU_MEM_OPERATION_TYPE_UNMAP;
        ok!(cuMemMapArrayAsync(&mut info, 1, null_mut()));
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!(free(), 64 * MIB);
    });
}
