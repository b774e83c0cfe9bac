//! Pools: what they hold of the card, and when they give it back.

use crate::driver::{MIB, Machine, alone, cu, finish, free, ok, role, start};
use cudarc::driver::sys::*;
use std::ffi::c_void;
use std::ptr::null_mut;

use CUmemPool_attribute_enum as A;

fn current() -> CUmemoryPool {
    let mut pool = null_mut();
    ok!(cuDeviceGetMemPool(&mut pool, 0));
    pool
}

fn alloc(bytes: usize) -> u64 {
    let mut address = 0;
    ok!(cuMemAllocAsync(&mut address, bytes, null_mut()));
    address
}

fn figure(pool: CUmemoryPool, attribute: CUmemPool_attribute) -> usize {
    let mut value = 0u64;
    ok!(cuMemPoolGetAttribute(pool, attribute, (&raw mut value).cast()));
    value as usize
}

fn set(pool: CUmemoryPool, attribute: CUmemPool_attribute, mut value: u64) -> u32 {
    cu!(cuMemPoolSetAttribute(pool, attribute, (&raw mut value).cast()))
}

#[test]
fn the_pool_holds_what_its_allocations_gave_up() {
    alone("pool::the_pool_holds_what_its_allocations_gave_up", 256 * MIB, || {
        start();
        let pool = current();
        assert_eq!(set(pool, A::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, u64::MAX), 0);
        let first = alloc(1000);
        assert_eq!(figure(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 32 * MIB);
        assert_eq!(figure(pool, A::CU_MEMPOOL_ATTR_USED_MEM_CURRENT), 1024);
        assert_eq!(free(), 224 * MIB);
        let second = alloc(40 * MIB);
        assert_eq!(figure(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT), 96 * MIB);
        ok!(cuMemFreeAsync(second, null_mut()));
        assert_eq!(cu!(cuMemFreeAsync(second, null_mut())), 1);
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!((alloc(40 * MIB), free()), (second, 160 * MIB));
        ok!(cuMemFree_v2(second));
        ok!(cuMemPoolTrimTo(pool, 96 * MIB));
        assert_eq!(free(), 160 * MIB);
        ok!(cuMemPoolTrimTo(pool, 0));
        assert_eq!(free(), 224 * MIB);
        ok!(cuMemFreeAsync(first, null_mut()));
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!(free(), 224 * MIB);
        assert_eq!(set(pool, A::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, 0), 0);
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!(free(), 256 * MIB);
        assert_eq!(figure(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 96 * MIB);
        assert_eq!(set(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, 1), 1);
        assert_eq!(set(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH, 0), 0);
        assert_eq!(figure(pool, A::CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH), 0);
    });
}

#[test]
fn the_card_is_full_to_the_last_page() {
    alone("pool::the_card_is_full_to_the_last_page", 70 * MIB, || {
        start();
        let all: Vec<u64> = (0..35).map(|_| alloc(2 * MIB)).collect();
        assert_eq!(free(), 0);
        let mut address = 0;
        assert_eq!(cu!(cuMemAllocAsync(&mut address, 1, null_mut())), 2);
        assert_eq!(cu!(cuMemAllocAsync(&mut address, 0, null_mut())), 1);
        all.iter().for_each(|address| ok!(cuMemFreeAsync(*address, null_mut())));
        ok!(cuStreamSynchronize(null_mut()));
        assert_eq!(free(), 70 * MIB);
        alloc(70 * MIB);
        assert_eq!(free(), 0);
    });
}

fn props(handles: u32, limit: usize) -> CUmemPoolProps {
    // SAFETY: plain numbers; the two enumerations are set to values that they have.
    let mut props: CUmemPoolProps = unsafe { std::mem::zeroed() };
    props.allocType = CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
    props.location.type_ = CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
    props.handleTypes = CUmemAllocationHandleType_enum(handles);
    props.maxSize = limit;
    props
}

#[test]
fn pools_are_made_chosen_and_destroyed() {
    alone("pool::pools_are_made_chosen_and_destroyed", 256 * MIB, || {
        start();
        let standard = current();
        let mut own = null_mut();
        ok!(cuMemPoolCreate(&mut own, &props(0, 8 * MIB)));
        let mut address = 0;
        assert_eq!(cu!(cuMemAllocFromPoolAsync(&mut address, 9 * MIB, own, null_mut())), 2);
        ok!(cuMemAllocFromPoolAsync(&mut address, 8 * MIB, own, null_mut()));
        assert_eq!(free(), 248 * MIB);
        ok!(cuDeviceSetMemPool(0, own));
        assert_eq!(current(), own);
        assert_eq!(cu!(cuMemPoolDestroy(standard)), 1);
        ok!(cuMemPoolDestroy(own));
        assert_eq!((current(), free()), (standard, 248 * MIB));
        assert_eq!(cu!(cuMemPoolTrimTo(own, 0)), 1);
        ok!(cuMemFreeAsync(address, null_mut()));
        ok!(cuCtxSynchronize());
        assert_eq!(free(), 256 * MIB);
    });
}

#[test]
fn a_pool_and_its_allocations_are_shared() {
    const TEST: &str = "pool::a_pool_and_its_allocations_are_shared";
    match role().as_deref() {
        Some("maker") => maker(),
        Some("taker") => taker(),
        _ => {
            let machine = Machine::of(256 * MIB, 1);
            let (maker, taker) = (machine.start(TEST, "maker"), machine.start(TEST, "taker"));
            finish(taker);
            assert!(!maker.wait_with_output().unwrap().status.success());
        }
    }
}

fn data_path() -> std::path::PathBuf {
    std::path::PathBuf::from(std::env::var_os("CUOTA_SIM").unwrap()).join("data")
}

fn maker() {
    start();
    let (mut pool, mut address, mut fd) = (null_mut(), 0, -1i32);
    ok!(cuMemPoolCreate(&mut pool, &props(1, 0)));
    ok!(cuMemAllocFromPoolAsync(&mut address, 5000, pool, null_mut()));
    ok!(cuMemAllocFromPoolAsync(&mut address, 5000, pool, null_mut()));
    ok!(cuMemsetD8_v2(address, 21, 5000));
    let posix = CUmemAllocationHandleType_enum(1);
    ok!(cuMemPoolExportToShareableHandle((&raw mut fd).cast(), pool, posix, 0));
    let out = (&raw mut fd).cast();
    assert_eq!(cu!(cuMemPoolExportToShareableHandle(out, current(), posix, 0)), 1);
    let mut data = CUmemPoolPtrExportData { reserved: [0; 64] };
    ok!(cuMemPoolExportPointer(&mut data, address));
    std::fs::write(data_path(), data.reserved).unwrap();
    crate::ipc::meet::give(fd);
}

fn taker() {
    let fd = crate::ipc::meet::take();
    start();
    let (mut pool, mut address) = (null_mut(), 0);
    let posix = CUmemAllocationHandleType_enum(1);
    ok!(cuMemPoolImportFromShareableHandle(&mut pool, fd as usize as *mut c_void, posix, 0));
    let reserved = std::fs::read(data_path()).unwrap().try_into().unwrap();
    let mut data = CUmemPoolPtrExportData { reserved };
    let before = free();
    ok!(cuMemPoolImportPointer(&mut address, pool, &mut data));
    let mut byte = 0u8;
    ok!(cuMemcpyDtoH_v2((&raw mut byte).cast(), address + 4999, 1));
    assert_eq!((byte, free()), (21, before));
    assert_eq!(cu!(cuMemAllocFromPoolAsync(&mut address, 1, pool, null_mut())), 1);
    ok!(cuMemFreeAsync(address, null_mut()));
    ok!(cuMemPoolDestroy(pool));
    crate::ipc::meet::kill_maker();
}

#[test]
fn a_free_that_has_not_happened_serves_its_own_stream_only() {
    const TEST: &str = "pool::a_free_that_has_not_happened_serves_its_own_stream_only";
    alone(TEST, 256 * MIB, || {
        start();
        let (mut one, mut two, mut gate) = (null_mut(), null_mut(), null_mut());
        ok!(cuStreamCreate(&mut one, 1));
        ok!(cuStreamCreate(&mut two, 1));
        ok!(cuMemHostAlloc(&mut gate, 4, 2));
        let on = |stream| {
            let mut address = 0;
            ok!(cuMemAllocAsync(&mut address, 1024, stream));
            address
        };
        let first = on(one);
        ok!(cuStreamWaitValue32_v2(one, gate as u64, 1, 0));
        ok!(cuMemFreeAsync(first, one));
        let other = on(two);
        assert_ne!(other, first);
        assert_eq!(on(one), first);
        ok!(cuMemFreeAsync(first, one));
        // SAFETY: four bytes were allocated.
        unsafe { gate.cast::<u32>().write_volatile(1) };
        ok!(cuStreamSynchronize(one));
        assert_eq!(on(two), first);
    });
}
