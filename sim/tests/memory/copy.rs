//! Bytes arrive where they should, and nowhere else.

use crate::driver::{MIB, alloc, alone, cu, ok, start};
use cudarc::driver::sys::*;
use std::ffi::c_void;
use std::ptr::null_mut;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 + index / 251) as u8).collect()
}

fn down(address: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    ok!(cuMemcpyDtoH_v2(bytes.as_mut_ptr().cast(), address, len));
    bytes
}

#[test]
fn flat_copies_arrive() {
    alone("copy::flat_copies_arrive", 64 * MIB, || {
        start();
        let bytes = pattern(3 * MIB);
        let (one, two) = (alloc(3 * MIB), alloc(3 * MIB));
        ok!(cuMemcpyHtoD_v2(one, bytes.as_ptr().cast(), bytes.len()));
        ok!(cuMemcpyDtoD_v2(two + 5, one + 3, MIB));
        assert_eq!(down(two + 5, MIB), bytes[3..MIB + 3]);
        let mut host = vec![0u8; 64];
        ok!(cuMemcpy(host.as_mut_ptr() as u64, one + 64, 64));
        assert_eq!(host, bytes[64..128]);
        ok!(cuMemcpyAsync(two, one, 3 * MIB, null_mut()));
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!(down(two, 3 * MIB), bytes);
        ok!(cuMemcpyHtoDAsync_v2(one, host.as_ptr().cast(), 64, null_mut()));
        ok!(cuMemcpyDtoHAsync_v2(host.as_mut_ptr().cast(), two + 1, 64, null_mut()));
        assert_eq!(host, bytes[1..65]);
        ok!(cuMemcpyHtoD_v2(one, null_mut::<c_void>(), 0));
    });
}

#[test]
fn what_is_outside_is_refused() {
    alone("copy::what_is_outside_is_refused", 64 * MIB, || {
        start();
        let address = alloc(1000);
        alloc(1000);
        let mut host = [0u8; 2000];
        let to = host.as_mut_ptr().cast::<c_void>();
        assert_eq!(cu!(cuMemcpyDtoH_v2(to, address, 1001)), 1);
        assert_eq!(cu!(cuMemcpyDtoH_v2(to, address + 999, 2)), 1);
        assert_eq!(cu!(cuMemcpyDtoH_v2(to, to as u64, 1)), 1);
        assert_eq!(cu!(cuMemcpyDtoD_v2(address, 4096, 1)), 1);
        assert_eq!(cu!(cuMemsetD8_v2(address, 0, 1001)), 1);
        assert_eq!(cu!(cuMemsetD32_v2(address + 2, 0, 1)), 1);
        assert_eq!(cu!(cuMemsetD16_v2(address + 1, 0, 1)), 1);
        ok!(cuMemFree_v2(address));
        assert_eq!(cu!(cuMemcpyDtoH_v2(to, address, 1)), 1);
    });
}

#[test]
fn fills_repeat_their_pattern() {
    alone("copy::fills_repeat_their_pattern", 64 * MIB, || {
        start();
        let address = alloc(4096);
        ok!(cuMemsetD32_v2(address, 0x0403_0201, 1024));
        assert!(down(address, 4096).chunks(4).all(|word| word == [1, 2, 3, 4]));
        ok!(cuMemsetD16_v2(address + 2, 0x0605, 3));
        assert_eq!(down(address, 10), [1, 2, 5, 6, 5, 6, 5, 6, 1, 2]);
        ok!(cuMemsetD2D8_v2(address, 64, 9, 3, 4));
        let bytes = down(address, 256);
        for (index, byte) in bytes.iter().enumerate() {
            assert_eq!(*byte == 9, index % 64 < 3, "{index}");
        }
        assert_eq!(cu!(cuMemsetD2D8_v2(address, 2, 9, 3, 4)), 1);
        ok!(cuMemsetD8Async(address, 1, 4096, null_mut()));
        ok!(cuCtxSynchronize());
        assert_eq!(down(address, 4096), [1; 4096]);
    });
}

fn shape() -> CUDA_MEMCPY3D {
    // SAFETY: numbers and null pointers; the memory types are set before use.
    let mut shape: CUDA_MEMCPY3D = unsafe { std::mem::MaybeUninit::zeroed().assume_init() };
    shape.srcMemoryType = CUmemorytype::CU_MEMORYTYPE_HOST;
    shape.dstMemoryType = CUmemorytype::CU_MEMORYTYPE_HOST;
    shape
}

#[test]
fn planes_and_volumes_keep_their_rows() {
    alone("copy::planes_and_volumes_keep_their_rows", 64 * MIB, || {
        start();
        let (address, mut pitch) = pitched(100, 24);
        let bytes = pattern(100 * 24);
        let mut copy = CUDA_MEMCPY3D {
            srcHost: bytes.as_ptr().cast(),
            srcPitch: 100,
            srcHeight: 6,
            dstMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
            dstDevice: address,
            dstPitch: pitch,
            dstHeight: 6,
            WidthInBytes: 100,
            Height: 6,
            Depth: 4,
            ..shape()
        };
        ok!(cuMemcpy3D_v2(&copy));
        let raw = down(address, pitch * 24);
        assert!((0..24).all(|row| raw[row * pitch..][..100] == bytes[row * 100..][..100]));
        // A box out of the middle, back to tight rows.
        let mut out = vec![0u8; 10 * 2 * 2];
        let middle = CUDA_MEMCPY3D {
            srcMemoryType: CUmemorytype::CU_MEMORYTYPE_UNIFIED,
            srcDevice: address,
            srcPitch: pitch,
            srcHeight: 6,
            srcXInBytes: 20,
            srcY: 3,
            srcZ: 1,
            dstHost: out.as_mut_ptr().cast(),
            dstPitch: 10,
            dstHeight: 2,
            WidthInBytes: 10,
            Height: 2,
            Depth: 2,
            ..shape()
        };
        ok!(cuMemcpy3D_v2(&middle));
        for (row, got) in out.chunks(10).enumerate() {
            let (z, y) = (1 + row / 2, 3 + row % 2);
            assert_eq!(got, &bytes[(z * 6 + y) * 100 + 20..][..10]);
        }
        pitch = 99;
        copy.dstPitch = pitch;
        assert_eq!(cu!(cuMemcpy3D_v2(&copy)), 1);
        copy.dstPitch = 512;
        copy.Depth = 5;
        assert_eq!(cu!(cuMemcpy3D_v2(&copy)), 1);
    });
}

fn pitched(width: usize, height: usize) -> (u64, usize) {
    let (mut address, mut pitch) = (0, 0);
    ok!(cuMemAllocPitch_v2(&mut address, &mut pitch, width, height, 4));
    (address, pitch)
}

#[test]
fn a_batch_is_checked_as_a_whole() {
    alone("copy::a_batch_is_checked_as_a_whole", 64 * MIB, || {
        start();
        let (one, two) = (alloc(1000), alloc(1000));
        let mut stream = null_mut();
        ok!(cuStreamCreate(&mut stream, 1));
        ok!(cuMemsetD8_v2(one, 1, 1000));
        ok!(cuMemsetD8_v2(two, 2, 1000));
        // SAFETY: plain numbers; the enumerations are set to values that they have.
        let mut how: CUmemcpyAttributes = unsafe { std::mem::zeroed() };
        how.srcAccessOrder = CUmemcpySrcAccessOrder::CU_MEMCPY_SRC_ACCESS_ORDER_STREAM;
        let (mut dsts, mut srcs, mut sizes) = ([one, one + 500], [two, two + 500], [10, 501]);
        let mut first = 0;
        let mut go = |sizes: &mut [usize; 2], stream| {
            cu!(cuMemcpyBatchAsync_v2(
                dsts.as_mut_ptr(),
                srcs.as_mut_ptr(),
                sizes.as_mut_ptr(),
                2,
                &mut how,
                &mut first,
                1,
                stream,
            ))
        };
        assert_eq!(go(&mut sizes, stream), 1);
        assert_eq!(down(one, 10), [1; 10]);
        sizes[1] = 500;
        assert_eq!(go(&mut sizes, null_mut()), 1);
        assert_eq!(go(&mut sizes, stream), 0);
        ok!(cuStreamSynchronize(stream));
        assert_eq!(
            (down(one, 11), down(one + 500, 500)),
            ([&[2; 10][..], &[1]].concat(), vec![2; 500])
        );
    });
}
