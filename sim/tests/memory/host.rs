//! Pinned, registered and managed memory, and what the driver says of addresses.

use crate::driver::{MIB, PAGE, alloc, alone, cu, free, ok, start};
use cudarc::driver::sys::*;
use std::ffi::c_void;
use std::ptr::null_mut;

fn attribute<T: Default>(attribute: CUpointer_attribute, address: u64) -> Result<T, u32> {
    let mut value = T::default();
    match cu!(cuPointerGetAttribute((&raw mut value).cast(), attribute, address)) {
        0 => Ok(value),
        error => Err(error),
    }
}

use CUpointer_attribute_enum as A;

#[test]
fn pinned_memory_takes_no_card() {
    alone("host::pinned_memory_takes_no_card", 64 * MIB, || {
        start();
        let mut address: *mut c_void = null_mut();
        ok!(cuMemHostAlloc(&mut address, 3 * MIB, 3));
        assert_eq!(free(), 64 * MIB);
        // SAFETY: three mebibytes were allocated.
        unsafe { address.cast::<u8>().add(3 * MIB - 1).write(7) };
        let mut device = 0;
        ok!(cuMemHostGetDevicePointer_v2(&mut device, address, 0));
        assert_eq!(device, address as u64);
        assert_eq!(cu!(cuMemHostGetDevicePointer_v2(&mut device, address, 1)), 1);
        let mut flags = 0;
        ok!(cuMemHostGetFlags(&mut flags, address));
        assert_eq!(flags, 3);
        assert_eq!(attribute::<u32>(A::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, device), Ok(1));
        assert_eq!(cu!(cuMemFree_v2(device)), 1);
        assert_eq!(cu!(cuMemFreeHost(address.wrapping_byte_add(8))), 1);
        ok!(cuMemFreeHost(address));
        assert_eq!(cu!(cuMemFreeHost(address)), 1);
        assert_eq!(cu!(cuMemHostAlloc(&mut address, 1, 8)), 1);
        assert_eq!(cu!(cuMemHostAlloc(&mut address, 0, 0)), 1);
    });
}

#[test]
fn memory_is_registered_once() {
    alone("host::memory_is_registered_once", 64 * MIB, || {
        start();
        let mut memory = vec![0u8; 3 * MIB];
        let address = memory.as_mut_ptr().cast::<c_void>();
        let second = address.wrapping_byte_add(MIB);
        ok!(cuMemHostRegister_v2(address, 2 * MIB, 0));
        assert_eq!(cu!(cuMemHostRegister_v2(second, MIB, 0)), 712);
        assert_eq!(cu!(cuMemHostUnregister(second)), 713);
        let kind = attribute::<u32>(A::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, second as u64);
        assert_eq!(kind, Ok(1));
        ok!(cuMemHostUnregister(address));
        assert_eq!(cu!(cuMemHostUnregister(address)), 713);
        ok!(cuMemHostRegister_v2(second, MIB, 2));
        assert_eq!(cu!(cuMemHostRegister_v2(4096 as *mut c_void, MIB, 0)), 1);
        assert_eq!(cu!(cuMemHostRegister_v2(address, 0, 0)), 1);
    });
}

#[test]
fn managed_memory_takes_a_card_once_it_moves_there() {
    alone("host::managed_memory_takes_a_card_once_it_moves_there", 64 * MIB, || {
        start();
        let mut address = 0;
        ok!(cuMemAllocManaged(&mut address, 256 * MIB, 1));
        assert_eq!(free(), 64 * MIB);
        // SAFETY: the host may touch managed memory.
        unsafe { (address as *mut u8).add(200 * MIB).write(1) };
        let device =
            CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE, ..host() };
        ok!(cuMemPrefetchAsync_v2(address, 40 * MIB, device, 0, null_mut()));
        ok!(cuCtxSynchronize());
        assert_eq!(free(), 24 * MIB);
        // Managed pages make room.
        let fixed = alloc(30 * MIB);
        assert_eq!(free(), 34 * MIB);
        ok!(cuMemPrefetchAsync_v2(address, 256 * MIB, device, 0, null_mut()));
        ok!(cuCtxSynchronize());
        assert_eq!(free(), 0);
        ok!(cuMemPrefetchAsync_v2(address, 256 * MIB, host(), 0, null_mut()));
        ok!(cuCtxSynchronize());
        assert_eq!(free(), 34 * MIB);
        assert_eq!(cu!(cuMemPrefetchAsync_v2(fixed, PAGE, device, 0, null_mut())), 1);
        assert_eq!(attribute::<u32>(A::CU_POINTER_ATTRIBUTE_IS_MANAGED, address + 9), Ok(1));
        ok!(cuMemFree_v2(address));
        assert_eq!(cu!(cuMemAllocManaged(&mut address, 1, 4)), 1);
    });
}

fn host() -> CUmemLocation {
    // SAFETY: a kind and an id, for both of which any number that the enumeration has will do.
    let mut location: CUmemLocation = unsafe { std::mem::zeroed() };
    location.type_ = CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST;
    location
}

#[test]
fn advice_is_remembered() {
    alone("host::advice_is_remembered", 64 * MIB, || {
        use CUmem_advise_enum::*;
        use CUmem_range_attribute_enum::*;
        start();
        let mut address = 0;
        ok!(cuMemAllocManaged(&mut address, MIB, 1));
        let device =
            CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE, ..host() };
        ok!(cuMemAdvise_v2(address, MIB, CU_MEM_ADVISE_SET_READ_MOSTLY, device));
        ok!(cuMemAdvise_v2(address, MIB, CU_MEM_ADVISE_SET_ACCESSED_BY, host()));
        let ask = |attribute| {
            let mut value = [7i32; 2];
            let size = if attribute == CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY { 8 } else { 4 };
            ok!(cuMemRangeGetAttribute((&raw mut value).cast(), size, attribute, address, MIB));
            value
        };
        assert_eq!(ask(CU_MEM_RANGE_ATTRIBUTE_READ_MOSTLY)[0], 1);
        assert_eq!(ask(CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION)[0], -2);
        assert_eq!(ask(CU_MEM_RANGE_ATTRIBUTE_ACCESSED_BY), [-1, -2]);
        ok!(cuMemAdvise_v2(address, MIB, CU_MEM_ADVISE_SET_PREFERRED_LOCATION, device));
        assert_eq!(ask(CU_MEM_RANGE_ATTRIBUTE_PREFERRED_LOCATION)[0], 0);
        let plain = alloc(PAGE);
        assert_eq!(cu!(cuMemAdvise_v2(plain, PAGE, CU_MEM_ADVISE_SET_READ_MOSTLY, device)), 1);
    });
}

#[test]
fn addresses_are_known_for_what_they_are() {
    alone("host::addresses_are_known_for_what_they_are", 64 * MIB, || {
        let context = start();
        let address = alloc(1000);
        let inside = address + 999;
        assert_eq!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_CONTEXT, inside), Ok(context as u64));
        assert_eq!(attribute::<u32>(A::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, inside), Ok(2));
        assert_eq!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, inside), Ok(address));
        assert_eq!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_RANGE_SIZE, inside), Ok(1000));
        assert_eq!(attribute::<u32>(A::CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, inside), Ok(0));
        assert_eq!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_MAPPING_SIZE, inside), Ok(PAGE as u64));
        assert_eq!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_HOST_POINTER, inside), Err(1));
        assert_eq!(attribute::<u32>(A::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, address + 1000), Err(1));
        let first = attribute::<u64>(A::CU_POINTER_ATTRIBUTE_BUFFER_ID, address);
        ok!(cuMemFree_v2(address));
        assert_eq!(alloc(1000), address);
        assert_ne!(attribute::<u64>(A::CU_POINTER_ATTRIBUTE_BUFFER_ID, address), first);
        let on = 1u32;
        let sync = A::CU_POINTER_ATTRIBUTE_SYNC_MEMOPS;
        ok!(cuPointerSetAttribute((&raw const on).cast(), sync, address));
        assert_eq!(attribute::<u32>(sync, address), Ok(1));
        let (mut kind, mut managed) = (9u32, 9u32);
        let mut out = [(&raw mut kind).cast::<c_void>(), (&raw mut managed).cast()];
        let mut which = [A::CU_POINTER_ATTRIBUTE_MEMORY_TYPE, A::CU_POINTER_ATTRIBUTE_IS_MANAGED];
        ok!(cuPointerGetAttributes(2, which.as_mut_ptr(), out.as_mut_ptr(), 4096));
        assert_eq!((kind, managed), (0, 0));
    });
}
