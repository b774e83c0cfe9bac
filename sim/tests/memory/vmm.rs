//! Virtual memory management: who holds what, and until when.

use crate::driver::{MIB, Machine, PAGE, alone, cu, finish, free, ok, role, start};
use cudarc::driver::sys::*;
use std::ffi::c_void;

const INVALID_VALUE: u32 = 1;

fn prop(kind: CUmemLocationType, handles: u32) -> CUmemAllocationProp {
    // SAFETY: plain numbers; the two enumerations are set to values that they have.
    let mut prop: CUmemAllocationProp = unsafe { std::mem::zeroed() };
    prop.type_ = CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
    prop.location.type_ = kind;
    prop.requestedHandleTypes = CUmemAllocationHandleType_enum(handles);
    prop
}

const DEVICE: CUmemLocationType = CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
const HOST: CUmemLocationType = CUmemLocationType::CU_MEM_LOCATION_TYPE_HOST;

fn create(bytes: usize, handles: u32) -> u64 {
    let mut handle = 0;
    ok!(cuMemCreate(&mut handle, bytes, &prop(DEVICE, handles), 0));
    handle
}

fn reserve(bytes: usize) -> u64 {
    let mut address = 0;
    ok!(cuMemAddressReserve(&mut address, bytes, 0, 0, 0));
    address
}

fn allow(address: u64, bytes: usize, kind: CUmemLocationType) -> u32 {
    let mut access: CUmemAccessDesc =
        // SAFETY: plain numbers; the enumerations are set to values that they have.
        unsafe { std::mem::MaybeUninit::zeroed().assume_init() };
    access.location = prop(kind, 0).location;
    access.flags = CUmemAccess_flags_enum::CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    cu!(cuMemSetAccess(address, bytes, &access, 1))
}

#[test]
fn memory_lives_until_handles_and_mappings_are_gone() {
    alone("vmm::memory_lives_until_handles_and_mappings_are_gone", 64 * MIB, || {
        start();
        let (handle, address) = (create(2 * PAGE, 0), reserve(8 * PAGE));
        assert_eq!(free(), 60 * MIB);
        ok!(cuMemMap(address, 2 * PAGE, 0, handle, 0));
        ok!(cuMemMap(address + 4 * PAGE as u64, 2 * PAGE, 0, handle, 0));
        ok!(cuMemRelease(handle));
        assert_eq!(cu!(cuMemRelease(handle)), INVALID_VALUE);
        ok!(cuMemUnmap(address, 2 * PAGE));
        assert_eq!(free(), 60 * MIB);
        let mut again = 0;
        ok!(cuMemRetainAllocationHandle(
            &mut again,
            (address + 4 * PAGE as u64 + 1) as *mut c_void
        ));
        ok!(cuMemUnmap(address + 4 * PAGE as u64, 2 * PAGE));
        assert_eq!(free(), 60 * MIB);
        ok!(cuMemRelease(again));
        assert_eq!(free(), 64 * MIB);
        ok!(cuMemAddressFree(address, 8 * PAGE));
    });
}

#[test]
fn misuse_is_refused() {
    alone("vmm::misuse_is_refused", 64 * MIB, || {
        start();
        let mut handle = 0;
        assert_eq!(cu!(cuMemCreate(&mut handle, PAGE + 1, &prop(DEVICE, 0), 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemCreate(&mut handle, 0, &prop(DEVICE, 0), 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemCreate(&mut handle, PAGE, &prop(DEVICE, 0), 1)), INVALID_VALUE);
        assert_eq!(cu!(cuMemCreate(&mut handle, 66 * MIB, &prop(DEVICE, 0), 0)), 2);
        let (handle, address) = (create(PAGE, 0), reserve(4 * PAGE));
        let page = PAGE as u64;
        assert_eq!(cu!(cuMemMap(address, 2 * PAGE, 0, handle, 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemMap(address + 4 * page, PAGE, 0, handle, 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemMap(address, PAGE, PAGE, handle, 0)), INVALID_VALUE);
        ok!(cuMemMap(address, PAGE, 0, handle, 0));
        assert_eq!(cu!(cuMemMap(address, PAGE, 0, handle, 0)), INVALID_VALUE);
        assert_eq!(cu!(cuMemAddressFree(address, 4 * PAGE)), INVALID_VALUE);
        assert_eq!(cu!(cuMemFree_v2(address)), INVALID_VALUE);
        assert_eq!(cu!(cuMemUnmap(address, 2 * PAGE)), INVALID_VALUE);
        // Without access there is nothing to read or write.
        assert_eq!(cu!(cuMemsetD8_v2(address, 1, 1)), INVALID_VALUE);
        assert_eq!(allow(address, 2 * PAGE, DEVICE), INVALID_VALUE);
        assert_eq!(allow(address, PAGE, HOST), INVALID_VALUE);
        assert_eq!(allow(address, PAGE, DEVICE), 0);
        ok!(cuMemsetD8_v2(address, 1, PAGE));
        ok!(cuMemUnmap(address, PAGE));
        assert_eq!(cu!(cuMemsetD8_v2(address, 1, 1)), INVALID_VALUE);
        assert_eq!(cu!(cuMemAddressFree(address, PAGE)), INVALID_VALUE);
        ok!(cuMemAddressFree(address, 4 * PAGE));
        ok!(cuMemRelease(handle));
        assert_eq!(cu!(cuMemMap(address, PAGE, 0, handle, 0)), INVALID_VALUE);
    });
}

#[test]
fn one_memory_under_two_addresses() {
    alone("vmm::one_memory_under_two_addresses", 64 * MIB, || {
        start();
        let (ring, next) = (create(PAGE, 0), create(PAGE, 0));
        let address = reserve(3 * PAGE);
        for (index, handle) in [ring, next, ring].into_iter().enumerate() {
            ok!(cuMemMap(address + (index * PAGE) as u64, PAGE, 0, handle, 0));
        }
        assert_eq!(free(), 60 * MIB);
        assert_eq!(allow(address, 3 * PAGE, DEVICE), 0);
        ok!(cuMemsetD8_v2(address, 5, 3 * PAGE));
        // Across the seam, into the second view of the first memory.
        ok!(cuMemsetD8_v2(address + 2 * PAGE as u64 - 1, 9, 2));
        let mut byte = [0u8; 2];
        ok!(cuMemcpyDtoH_v2(byte.as_mut_ptr().cast(), address, 2));
        assert_eq!(byte, [9, 5]);
    });
}

#[test]
fn host_memory_is_for_both() {
    alone("vmm::host_memory_is_for_both", 64 * MIB, || {
        start();
        let (mut handle, address) = (0, reserve(PAGE));
        ok!(cuMemCreate(&mut handle, PAGE, &prop(HOST, 0), 0));
        assert_eq!(free(), 64 * MIB);
        ok!(cuMemMap(address, PAGE, 0, handle, 0));
        assert_eq!(allow(address, PAGE, DEVICE), 0);
        assert_eq!(allow(address, PAGE, HOST), 0);
        ok!(cuMemsetD8_v2(address, 6, PAGE));
        // SAFETY: the host was given access.
        assert_eq!(unsafe { (address as *const u8).add(PAGE - 1).read_volatile() }, 6);
    });
}

#[test]
fn an_exported_block_is_counted_once_and_survives_its_maker() {
    const TEST: &str = "vmm::an_exported_block_is_counted_once_and_survives_its_maker";
    match role().as_deref() {
        Some("maker") => maker(),
        Some("taker") => taker(),
        _ => {
            let machine = Machine::of(64 * MIB, 1);
            // The socket's path tells both where to meet.
            let (maker, taker) = (machine.start(TEST, "maker"), machine.start(TEST, "taker"));
            finish(taker);
            let output = maker.wait_with_output().unwrap();
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(output.status.signal(), Some(9), "{output:?}");
        }
    }
}

fn maker() {
    start();
    let (handle, address) = (create(4 * PAGE, 1), reserve(4 * PAGE));
    ok!(cuMemMap(address, 4 * PAGE, 0, handle, 0));
    assert_eq!(allow(address, 4 * PAGE, DEVICE), 0);
    ok!(cuMemsetD8_v2(address, 77, 4 * PAGE));
    let mut fd: i32 = -1;
    let posix = CUmemAllocationHandleType_enum(1);
    ok!(cuMemExportToShareableHandle((&raw mut fd).cast(), handle, posix, 0));
    let plain = create(PAGE, 0);
    let mut none: i32 = -1;
    assert_eq!(cu!(cuMemExportToShareableHandle((&raw mut none).cast(), plain, posix, 0)), 1);
    ok!(cuMemRelease(plain));
    // Importing one's own memory is another handle to it, not another charge.
    let mut own = 0;
    ok!(cuMemImportFromShareableHandle(&mut own, fd as usize as *mut c_void, posix));
    assert_eq!(free(), 56 * MIB);
    ok!(cuMemRelease(own));
    crate::ipc::meet::give(fd);
}

fn taker() {
    let fd = crate::ipc::meet::take();
    start();
    let posix = CUmemAllocationHandleType_enum(1);
    let mut handle = 0;
    ok!(cuMemImportFromShareableHandle(&mut handle, fd as usize as *mut c_void, posix));
    assert_eq!(free(), 56 * MIB);
    crate::ipc::meet::kill_maker();
    assert_eq!(free(), 56 * MIB);
    let address = reserve(4 * PAGE);
    ok!(cuMemMap(address, 4 * PAGE, 0, handle, 0));
    assert_eq!(allow(address, 4 * PAGE, DEVICE), 0);
    let mut byte = 0u8;
    ok!(cuMemcpyDtoH_v2((&raw mut byte).cast(), address + 4 * PAGE as u64 - 1, 1));
    assert_eq!(byte, 77);
    ok!(cuMemRelease(handle));
    ok!(cuMemUnmap(address, 4 * PAGE));
    // The maker's own hold ends when the kernel has put it away.
    while free() != 64 * MIB {
        std::thread::yield_now();
    }
}
